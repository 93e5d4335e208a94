"""MPII's files: annotations as Sun et al. (2019) distribute them."""

from pathlib import Path

SPLITS = ("train", "valid")
ANNOTATIONS = {split: f"annot/{split}.json" for split in (*SPLITS, "trainval", "test")}
"""No run needs the last two."""
IMAGES = "images"
TRUTH = "annot/gt_valid.mat"
GENERATED = (*ANNOTATIONS.values(), TRUTH)
"""What synthetic/ writes last: where these files are, generated data are complete."""

REMEDY = "see docs/data/mpii.md for the layout, or name the right folder with --config mpii=FOLDER"


def annotation_path(root: str | Path, split: str) -> Path:
    """The annotation file of ``split``."""
    return Path(root) / ANNOTATIONS[split]


def truth_path(root: str | Path) -> Path:
    """The ground truth of the validation split."""
    return Path(root) / TRUTH
