"""ImageNet by hand: check a data folder. ``python -m downstream.imagenet check``."""

from collections.abc import Iterator
from pathlib import Path

from downstream.reading.data_check import Finding, check_command, count_finding, problem
from liftedcl.data_sets.imagenet.data_set import DATA_SET
from liftedcl.files.image_files import process_images
from liftedcl.files.image_header import BrokenImageError, read_header
from liftedcl.identity.errors import InputError, run_cli
from liftedcl.pictures import list_classes

_CLASSES = 1000
_NAMED = 10
"""Classes or images that a line names of those with the same fault."""


def check(root: Path) -> Iterator[Finding]:
    """Findings about the training images in the folder ``root``: every class, and the header of every image."""
    folder = root / "train"
    try:
        listings = list_classes(folder)
    except InputError as error:
        yield problem(error)
        return
    images = [image for listing in listings.values() for image in listing.images]
    yield count_finding(f"{folder}: classes", len(listings), _CLASSES)
    yield count_finding(f"{folder}: images", len(images), DATA_SET.counts["pictures"]["train"])
    if empty := [name for name, listing in listings.items() if not listing.images]:
        yield Finding("missing", f"{folder}: {_counted(empty, len(listings), 'classes hold no image')}")
    notes = [f"{name}: {listing.note()}" for name, listing in listings.items() if listing.left_out]
    for note in notes[:_NAMED]:
        yield Finding("differs", f"{folder / note}")
    if len(notes) > _NAMED:
        yield Finding("differs", f"{folder}: files are left out in {len(notes) - _NAMED:,} more classes")
    reasons = process_images(_reason, images, workers=None, title="check")
    wrong = [f"{image.relative_to(folder)} ({reason})" for image, reason in zip(images, reasons, strict=True) if reason]
    if wrong:
        yield Finding("broken", f"{folder}: {_counted(wrong, len(images), 'images are broken')}")
    elif images:
        yield Finding("ok", f"{folder}: the headers of all images are whole")


def _counted(found: list[str], total: int, what: str) -> str:
    more = ", ..." if len(found) > _NAMED else ""
    return f"{len(found):,} of {total:,} {what}: {', '.join(found[:_NAMED])}{more}"


def _reason(image: Path) -> str | None:
    """Why an image can't be used, as far as its header shows."""
    try:
        read_header(image)
    except BrokenImageError as error:
        return str(error)
    return None


def main() -> None:
    check_command(
        "imagenet", "ImageNet", check, "what is there, what is missing, what differs from the official release"
    )


if __name__ == "__main__":
    run_cli(main)
