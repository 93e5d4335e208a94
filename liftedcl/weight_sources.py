"""The published checkpoints that can be imported: what each file is called, holds and weighs. Data only, no torch."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Source:
    """Where a published checkpoint's encoder is inside its file, and how the file is known to be that file.

    Attributes:
        file: the name it is published under.
        page: where it is published.
        container: key of the state dict inside the file; None for a file that is the state dict.
        prefix: what its encoder's keys begin with, to be stripped.
        drop: beginnings of other keys that are no part of the encoder.
        algorithm: of the checksum.
        checksums: the leading digits that are published, of each accepted edition.
        stated: where they are published.
    """

    file: str
    page: str
    container: str | None
    prefix: str
    drop: tuple[str, ...]
    algorithm: str
    checksums: tuple[str, ...]
    stated: str


SOURCES = {
    "supervised": Source(
        file="resnet50-0676ba61.pth",
        page="torchvision, ResNet50_Weights.IMAGENET1K_V1",
        container=None,
        prefix="",
        drop=(),
        algorithm="sha256",
        checksums=("0676ba61", "19c8e357"),  # resnet50-19c8e357.pth: the same weights, published earlier
        stated="in its name",
    ),
    "moco_v2": Source(
        file="moco_v2_200ep_pretrain.pth.tar",
        page="github.com/facebookresearch/moco",
        container="state_dict",
        prefix="module.encoder_q.",
        drop=("module.encoder_k.", "module.queue"),
        algorithm="md5",
        checksums=("59fd9945",),
        stated="in the README of that repository",
    ),
}
"""Published checkpoints by the name that ``source`` of an encoder row gives them."""
