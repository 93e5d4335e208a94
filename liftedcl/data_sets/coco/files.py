"""COCO's files, named as in the official archives."""

from pathlib import Path

from liftedcl.identity.errors import InputError

SPLITS = ("train", "val")
PEOPLE = {split: f"annotations/person_keypoints_{split}2017.json" for split in SPLITS}
INSTANCES = {split: f"annotations/instances_{split}2017.json" for split in SPLITS}
DETECTIONS = "person_detection_results/COCO_val2017_detections_AP_H_56_person.json"
PICTURES = {split: (f"{split}2017", f"images/{split}2017") for split in SPLITS}
"""Folders of the images; one of the two is enough."""
GENERATED = (*PEOPLE.values(), *INSTANCES.values(), DETECTIONS)
"""Files that synthetic/ writes last; they complete generated data."""

REMEDY = "see docs/data/coco.md for the layout, or name the right folder with --config coco=FOLDER"


def annotation_path(root: str | Path, split: str) -> Path:
    """The keypoint annotations of ``split``, train or val."""
    return Path(root) / PEOPLE[split]


def image_folder(root: str | Path, split: str) -> Path:
    """The folder of the images of ``split``. Raises `InputError` if neither folder exists."""
    candidates = [Path(root) / folder for folder in PICTURES[split]]
    for folder in candidates:
        if folder.is_dir():
            return folder
    raise InputError(f"{candidates[0]}: not found, nor {candidates[1]}; {REMEDY}")
