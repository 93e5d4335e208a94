"""LIP's files as they are distributed."""

from pathlib import Path

SPLITS = ("train", "val")
LISTS = {split: f"{split}_id.txt" for split in SPLITS}
"""One id a line."""
GENERATED = tuple(LISTS.values())
"""What synthetic/ writes last: where these files are, generated data are complete."""
PICTURES = {split: f"{split}_images" for split in SPLITS}
LABELS = {split: f"{split}_segmentations" for split in SPLITS}
"""Folders of <id>.jpg and of <id>.png."""

REMEDY = "see docs/data/lip.md for the layout, or name the right folder with --config lip=FOLDER"


def list_path(root: str | Path, split: str) -> Path:
    """The list of ids of ``split``."""
    return Path(root) / LISTS[split]


def image_path(root: Path, split: str, name: str) -> Path:
    """The image of the id ``name``."""
    return root / PICTURES[split] / f"{name}.jpg"


def label_path(root: Path, split: str, name: str) -> Path:
    """The label map of the id ``name``."""
    return root / LABELS[split] / f"{name}.png"
