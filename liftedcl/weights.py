"""Import published checkpoints, or the user's own, as ``encoder.pt`` with torchvision's names, without any download.

Departs from the released code, which loads with ``strict=False``, so a file without any matching key silently gives a
random initialisation. Here every key has to fit.
"""

import argparse
import hashlib
import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from liftedcl.files import tensor_file
from liftedcl.files.atomic import sha256_of_file, write_json
from liftedcl.identity.code_digest import code_digest
from liftedcl.identity.errors import InputError, run_cli
from liftedcl.identity.provenance import describe
from liftedcl.identity.strict import require_choice
from liftedcl.networks.encoder import BACKBONES, build_backbone, load_strictly, save_encoder
from liftedcl.recipes.weight_sources import CONTAINERS, HEADS, OWN, PREFIXES, SOURCES, Layout, Source

_FIRST = "conv1.weight"
"""The first tensor of every backbone."""


def import_weights(file: Path, source: str, backbone: str, out: Path) -> str:
    """Write the encoder of the checkpoint ``file`` as a plain state dict, and ``provenance.json`` beside it.

    ``source`` is a key of `SOURCES`, or 'own'. Returns a proof of identity in words: that the file has the published
    checksum, or the SHA-256 of a file without one. Of the user's own it also says where in the file the encoder was.

    Raises:
        InputError: the file is missing, truncated, another one, or has the weights of another architecture.
    """
    started = time.time()
    require_choice(source, (*SOURCES, "own"), "--source")
    published = OWN if source == "own" else SOURCES[source]
    edition, proof = _identify(file, published)
    content = tensor_file.load(file)
    layout, found = _own_state(content, file) if published is OWN else _find_state(content, published, file)
    state = encoder_state(found, layout, published, file)
    encoder = build_backbone(backbone)
    for key, value in encoder.state_dict().items():  # older files don't count batches, and nothing reads the count
        if key.endswith("num_batches_tracked"):
            state.setdefault(key, torch.zeros_like(value))
    remedy = "name the backbone and the source that it was made with"
    load_strictly(encoder, state, file, f"the {backbone} of {edition}", remedy)
    for key, value in encoder.state_dict().items():
        if not torch.isfinite(value).all():
            raise InputError(f"{file}: {key} has NaN or infinite values, so it is damaged or diverged; get it again")
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
    return proof + (_place(layout) if published is OWN else "")


def _place(layout: Layout) -> str:
    """Where in the user's own file the encoder was found, in words, unless the file is the plain state dict."""
    container = f" under {layout.container!r}" if layout.container else ""
    prefix = f" with the prefix {layout.prefix!r}" if layout.prefix else ""
    return f"; found{container}{prefix}" if container or prefix else ""


def encoder_state(state: dict[str, Any], layout: Layout, published: Source, file: Path) -> dict[str, Tensor]:
    """The encoder's tensors of a state dict, under the backbone's names and without the classifier.

    Raises:
        InputError: a key is not of ``layout``, or a value isn't a tensor.
    """
    remedy = f"get {published.file} ({published.page})"
    encoder = {}
    for key, value in state.items():
        if key.startswith(layout.drop):
            continue
        if not key.startswith(layout.prefix):
            raise InputError(f"{file}: the key {key} is not of {published.file}; {remedy}")
        if not isinstance(value, Tensor):
            raise InputError(f"{file}: {key} is not a tensor; {remedy}")
        encoder[key.removeprefix(layout.prefix)] = value
    return encoder


def _own_state(content: Any, file: Path) -> tuple[Layout, dict[str, Any]]:
    """The layout of the user's own file, recognised by its first convolution, and its state dict.

    What is not below the encoder's prefix (heads, queues, a key encoder) is left out; without a prefix all has to fit.
    """
    inside = [(name, content[name]) for name in CONTAINERS if name in content] if isinstance(content, dict) else []
    for container, state in ((None, content), *inside):
        if not isinstance(state, dict) or not all(isinstance(key, str) for key in state):
            continue
        prefixes = [key.removesuffix(_FIRST) for key in state if key.endswith(_FIRST)]
        prefixes = [prefix for prefix in prefixes if set(prefix.split(".")[:-1]) <= set(PREFIXES)]
        if len(prefixes) > 1:
            raise InputError(
                f"{file}: holds several encoders, under {' and '.join(map(repr, prefixes))}; save one of them alone"
            )
        if prefixes:
            prefix = prefixes[0]
            below = {key: value for key, value in state.items() if key.startswith(prefix)}
            return Layout(container, prefix, tuple(prefix + head for head in HEADS)), below
    keys = [str(key) for key in content] if isinstance(content, dict) else []
    for container, state in inside:
        keys += [f"{container}: {key}" for key in state] if isinstance(state, dict) else []
    first = f"its first keys are {', '.join(keys[:8])}" if keys else f"it is a {type(content).__name__}"
    raise InputError(
        f"{file}: holds no {_FIRST}, bare or under {', '.join(CONTAINERS)}, with or without the prefixes "
        f"{', '.join(f'{prefix}.' for prefix in PREFIXES)}; {first}; save {OWN.page}"
    )


def _find_state(content: Any, published: Source, file: Path) -> tuple[Layout, dict[str, Any]]:
    """The checkpoint's layout, recognised by its first convolution, and its state dict."""
    wanted = []
    for layout in published.layouts:
        state = content
        if layout.container is not None:
            state = content.get(layout.container) if isinstance(content, dict) else None
        if isinstance(state, dict) and all(isinstance(key, str) for key in state) and layout.prefix + _FIRST in state:
            return layout, state
        wanted.append(layout.prefix + _FIRST + (f" under {layout.container!r}" if layout.container else ""))
    raise InputError(
        f"{file}: holds no {' and no '.join(wanted)}, so it is another file; get {published.file} ({published.page})"
    )


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
        description="Check a published file and write its encoder: a plain state dict with torchvision's names, no fc.",
        epilog="files: " + "; ".join(f"{name}: {source.file} ({source.page})" for name, source in SOURCES.items()),
    )
    add.add_argument("file", type=Path, metavar="FILE", help="the published file, or yours")
    add.add_argument("--source", required=True, choices=[*sorted(SOURCES), "own"], help="what is in it; own: yours")
    add.add_argument(
        "--backbone", default="resnet50", choices=sorted(BACKBONES), help="its architecture (default: %(default)s)"
    )
    add.add_argument("--out", required=True, type=Path, metavar="ENCODER.pt", help="the file to write")
    arguments = parser.parse_args()
    proof = import_weights(arguments.file, arguments.source, arguments.backbone, arguments.out)
    print(f"{arguments.out}: the {arguments.backbone} of {arguments.file}; {proof}")


if __name__ == "__main__":
    run_cli(main)
