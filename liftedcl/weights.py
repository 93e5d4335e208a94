"""Import published checkpoints, or the user's own, as ``encoder.pt`` with torchvision's or timm's names. No download.

Departs from the released code, which loads with ``strict=False``, so a file without any matching key silently gives a
random initialisation. Here every key has to fit.
"""

import argparse
import hashlib
import importlib.metadata
import re
import time
from pathlib import Path

import torch

from liftedcl.files import tensor_file
from liftedcl.files.atomic import sha256_of_file, write_json
from liftedcl.identity.code_digest import code_digest
from liftedcl.identity.errors import InputError, run_cli
from liftedcl.identity.provenance import describe
from liftedcl.identity.strict import require_choice
from liftedcl.importing.conversions import CONVERSIONS
from liftedcl.importing.encoder_keys import own_state, published_state
from liftedcl.importing.positions import fit_positions
from liftedcl.importing.trial import in_words, try_out
from liftedcl.networks.encoder import build_backbone, load_strictly, save_encoder
from liftedcl.recipes.backbone_names import NAMES, TIMM, require_backbone, timm_models
from liftedcl.recipes.sized_name import without_size
from liftedcl.recipes.weight_namings import Naming
from liftedcl.recipes.weight_sources import OWN, SOURCES, Source


def import_weights(file: Path, source: str, backbone: str, out: Path) -> str:
    """Write the encoder of the checkpoint ``file`` as a plain state dict, and ``provenance.json`` beside it.

    ``source`` is a key of `SOURCES`, or 'own'. Returns a report: the first line proves the file's identity (that it has
    the published checksum, or the SHA-256 of a file without one) and says where in it the encoder was; the others say
    what became of every key, and what the encoder is and gives. import.json beside the encoder has every key by name.

    Raises:
        InputError: the file is missing, truncated, another one, or has the weights of another architecture; its
            features are constant or not finite.
    """
    started = time.time()
    require_choice(source, (*SOURCES, "own"), "--source")
    published = OWN if source == "own" else SOURCES[source]
    edition, proof = _identify(file, published)
    require_backbone(backbone, "--backbone")
    encoder = build_backbone(backbone)
    content, own = tensor_file.load(file), encoder.state_dict()
    if published.layouts:
        state, account = published_state(content, published=published, own=own, file=file)
    else:
        state, account = own_state(content, own=own, file=file, naming=published.naming)
    _require_fitting(backbone, account.naming, file)
    try:
        if account.naming.convert:
            CONVERSIONS[account.naming.convert](state, encoder, file)
        positions = fit_positions(state, encoder, file)
    except (IndexError, RuntimeError, ValueError) as error:  # tensors of other shapes than the names promise
        reason = str(error).partition("\n")[0]
        raise InputError(f"{file}: isn't what {account.naming.code} writes ({reason}); get it again") from None
    for key, value in own.items():  # older files don't count batches, and nothing reads the count
        if key.endswith("num_batches_tracked"):
            state.setdefault(key, torch.zeros_like(value))
    remedy = "name the backbone and the source that it was made with"
    load_strictly(encoder, state, file, f"the {backbone} of {edition}", remedy)
    facts = [positions, in_words(encoder, account.naming.epsilon), account.naming.note, try_out(encoder, file)]
    facts = [fact for fact in facts if fact]
    save_encoder(encoder, out)
    write_json(
        out.with_name("provenance.json"),
        describe(
            recipe={"method": "published" if source in SOURCES else source, "source": source, "backbone": backbone},
            seed=None,
            inputs={edition: sha256_of_file(file)},
            code=code_digest("liftedcl.weights"),
            started=started,
            device="cpu",
        ),
    )
    write_json(out.with_name("import.json"), account.as_dict() | {"encoder": facts})
    found = f"; found{account.place}" if account.place else ""
    return "\n  ".join([proof + found, *account.in_words(), *facts])


def _require_fitting(backbone: str, naming: Naming, file: Path) -> None:
    """Raises `InputError` unless ``backbone`` computes what the code with this ``naming`` does."""
    if re.fullmatch(naming.backbones, without_size(backbone)[0]):
        return
    known = (*NAMES, *sorted(TIMM + model for model in timm_models()))
    fitting = [name for name in known if re.fullmatch(naming.backbones, name)]
    remedy = f"name one of {', '.join(fitting)}"
    if not fitting:
        remedy = f"timm {importlib.metadata.version('timm')}, which is installed, has none for it; install a newer one"
    raise InputError(f"{file}: has the names of {naming.code}, which a {backbone} doesn't compute; {remedy}")


def _identify(file: Path, published: Source) -> tuple[str, str]:
    """The name of the published file that ``file`` is, and the proof in words."""
    checksum = published.checksum
    try:
        with file.open("rb") as stream:
            digest = hashlib.file_digest(stream, checksum.algorithm if checksum else "sha256").hexdigest()
    except (FileNotFoundError, IsADirectoryError):
        raise InputError(f"{file}: no such file; get {published.file} ({published.page})") from None
    if checksum is None:
        return file.name, f"no checksum of it is published; its sha256 is {digest}"
    for beginning, edition in checksum.editions.items():
        if digest.startswith(beginning):
            return (
                edition,
                f"it is {edition}: its {checksum.algorithm} begins with {beginning}, stated {checksum.stated}",
            )
    raise InputError(
        f"{file}: its {checksum.algorithm} begins with {digest[:8]}, that of {published.file} with "
        f"{' or '.join(checksum.editions)} (stated {checksum.stated}); it is cut off or another file, get it again "
        f"({published.page})"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m liftedcl.weights",
        description="Import a published checkpoint, or your own, as encoder.pt. Nothing is downloaded.",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    add = commands.add_parser(
        "import",
        help="check a published file and write its encoder",
        description="Check a published file and write its encoder, with torchvision's or timm's names and no head.",
        epilog="files: " + "; ".join(f"{name}: {source.file} ({source.page})" for name, source in SOURCES.items()),
    )
    add.add_argument("file", type=Path, metavar="FILE", help="the published file, or yours")
    add.add_argument("--source", required=True, choices=[*sorted(SOURCES), "own"], help="what is in it; own: yours")
    add.add_argument("--backbone", default="resnet50", help="its architecture (default: %(default)s)")
    add.add_argument("--out", required=True, type=Path, metavar="ENCODER.pt", help="the file to write")
    arguments = parser.parse_args()
    proof = import_weights(arguments.file, arguments.source, arguments.backbone, arguments.out)
    print(f"{arguments.out}: the {arguments.backbone} of {arguments.file}; {proof}")


if __name__ == "__main__":
    run_cli(main)
