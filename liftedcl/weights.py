"""Published checkpoints -> ``encoder.pt`` with torchvision's names (stage I of the paper). Nothing is downloaded.

Departs from the released code, which loads with ``strict=False``: there a file of which no key matches is silently a
random initialisation. Here every key has to fit.
"""

import argparse
import hashlib
import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from liftedcl import tensor_file
from liftedcl.code_digest import code_digest
from liftedcl.encoder import BACKBONES, build_backbone, load_strictly, save_encoder
from liftedcl.errors import InputError, run_cli
from liftedcl.files import sha256_of_file, write_json
from liftedcl.provenance import describe
from liftedcl.strict import require_choice
from liftedcl.weight_sources import SOURCES, Source

CLASSIFIER = "fc."
"""Classifier or projection head, in every source: no part of the encoder."""


def import_weights(file: Path, source: str, backbone: str, out: Path) -> None:
    """Write the encoder of a published checkpoint as a plain state dict, and ``provenance.json`` beside it.

    Raises:
        InputError: missing, truncated or another file, or the weights of another architecture.
    """
    started = time.time()
    require_choice(source, SOURCES, "--source")
    encoder = build_backbone(backbone)
    published = SOURCES[source]
    _check_sum(file, published)
    state = encoder_state(tensor_file.load(file), published, file)
    for key, value in encoder.state_dict().items():  # older files don't count batches; nothing reads the count
        if key.endswith("num_batches_tracked"):
            state.setdefault(key, torch.zeros_like(value))
    load_strictly(encoder, state, file, f"the {backbone} of {published.file}", "name the backbone it was made with")
    save_encoder(encoder, out)
    write_json(
        out.with_name("provenance.json"),
        describe(
            recipe={"method": "published", "source": source, "backbone": backbone},
            seed=None,
            inputs={published.file: sha256_of_file(file)},
            code=code_digest("liftedcl.weights"),
            started=started,
            device="cpu",
        ),
    )


def encoder_state(content: Any, published: Source, file: Path) -> dict[str, Tensor]:
    """The encoder's tensors of a checkpoint, under torchvision's names and without the classifier.

    Raises:
        InputError: the checkpoint isn't built as ``published`` says.
    """
    remedy = f"get {published.file} ({published.page})"
    state = content if published.container is None else _get(content, published.container)
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        place = f"no tensors under {published.container!r}" if published.container else "not a plain dict of tensors"
        raise InputError(f"{file}: {place}, so it is another file; {remedy}")
    encoder = {}
    for key, value in state.items():
        if key.startswith(published.drop):
            continue
        if not key.startswith(published.prefix):
            raise InputError(f"{file}: the key {key} is not of {published.file}; {remedy}")
        name = key.removeprefix(published.prefix)
        if not name.startswith(CLASSIFIER):
            encoder[name] = value
    if not encoder:
        raise InputError(f"{file}: holds no {published.prefix}* tensor; {remedy}")
    return encoder


def _get(content: Any, key: str) -> Any:
    return content.get(key) if isinstance(content, dict) else None


def _check_sum(file: Path, published: Source) -> None:
    try:
        with file.open("rb") as stream:
            found = hashlib.file_digest(stream, published.algorithm).hexdigest()
    except (FileNotFoundError, IsADirectoryError):
        raise InputError(f"{file}: no such file; get {published.file} ({published.page})") from None
    if not found.startswith(published.checksums):
        raise InputError(
            f"{file}: its {published.algorithm} begins with {found[:8]}, that of {published.file} with "
            f"{' or '.join(published.checksums)} (stated {published.stated}); it is cut off or another file, get it "
            f"again ({published.page})"
        )


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        prog="python -m liftedcl.weights",
        description="Import a published checkpoint as encoder.pt. Nothing is downloaded: get the file first.",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    add = commands.add_parser(
        "import",
        help="check a published file and write its encoder",
        description="Check a published file and write its encoder: a plain state dict with torchvision's names, no fc.",
        epilog="files: " + "; ".join(f"{name}: {source.file} ({source.page})" for name, source in SOURCES.items()),
    )
    add.add_argument("file", type=Path, metavar="FILE", help="the published file")
    add.add_argument("--source", required=True, choices=sorted(SOURCES), help="what is published in it")
    add.add_argument("--backbone", required=True, choices=sorted(BACKBONES))
    add.add_argument("--out", required=True, type=Path, metavar="ENCODER.pt", help="the file to write")
    arguments = parser.parse_args()
    import_weights(arguments.file, arguments.source, arguments.backbone, arguments.out)


if __name__ == "__main__":
    run_cli(main)
