"""People of a Human3.6M folder, for pre-training: frames of the training subjects and their person boxes.

Pre-training uses no poses: only file names and boxes of the annotations (Li et al. 2021) are read. Frames of other
subjects than the five that train are left out, because the downstream tasks are tested on S9 and S11.
"""

import itertools
import re
from pathlib import Path, PurePosixPath
from typing import Any

from liftedcl.data_sets.coco.entries import number, whole
from liftedcl.data_sets.h36m.annotations import read_paired
from liftedcl.data_sets.h36m.files import POSES, REMEDY, SUBJECTS
from liftedcl.identity.errors import InputError
from liftedcl.images.coco_people import PeopleImage, Person

Sample = tuple[PurePosixPath, dict[str, Any], dict[str, Any]]


def read_h36m_people(root: str | Path, stride: int) -> tuple[list[PeopleImage], dict[str, int]]:
    """Every ``stride``-th annotated frame of each take and camera, by file name.

    Returns:
        The frames, with one person each, and the counts ``{"test_subject": ..., "stride": ...}`` of frames left out.

    Raises:
        InputError: a file or folder is missing or damaged, or no frame of a training subject is annotated.
    """
    root = Path(root)
    path, folder = root / POSES["train"], root / "images"
    samples = _samples(path)
    training = [sample for sample in samples if _subject(path, sample[0]) in SUBJECTS["train"]]
    training.sort(key=lambda sample: sample[0].parts)
    if not training:
        raise InputError(f"{path}: holds no frame of a training subject (1, 5, 6, 7, 8); {REMEDY}")
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; {REMEDY}")
    for (name, *_), (following, *_) in itertools.pairwise(training):
        if name == following:
            raise InputError(f"{path}: {name} is listed twice, the file is damaged; {REMEDY}")
    # Per take and camera, because in the whole list a stride that divides 4 could pick one of the four cameras alone.
    takes = itertools.groupby(training, key=lambda sample: sample[0].parent)
    kept = [sample for _, take in takes for sample in itertools.islice(take, 0, None, stride)]
    left_out = {"test_subject": len(samples) - len(training), "stride": len(training) - len(kept)}
    return [_people_image(path, folder, sample) for sample in kept], left_out


def _samples(path: Path) -> list[Sample]:
    """File name, image and annotation of every frame."""
    samples = []
    for place, (image, annotation) in enumerate(zip(*read_paired(path), strict=True)):
        try:
            name = PurePosixPath(image["file_name"])
        except (KeyError, TypeError) as error:
            raise InputError(f"{path}: sample {place}: not in Human3.6M's format ({error}); {REMEDY}") from None
        if name.is_absolute() or ".." in name.parts:
            raise InputError(f"{path}: sample {place}: {name} is not a path below images/; {REMEDY}")
        samples.append((name, image, annotation))
    return samples


def _subject(path: Path, name: PurePosixPath) -> int:
    found = re.match(r"s_(\d+)_act_", name.name)
    if found is None:  # it might be a test subject's
        raise InputError(f"{path}: {name} does not begin with s_SUBJECT_act_, so its subject is unknown; {REMEDY}")
    return int(found[1])


def _people_image(path: Path, folder: Path, sample: Sample) -> PeopleImage:
    name, image, annotation = sample
    try:
        x, y, width, height = (number(value, "bbox") for value in annotation["bbox"])
        identity = whole(image["id"], "id")
        # The image's id serves as the person's: a frame has one, and not every release numbers annotations.
        person = Person(annotation_id=identity, box=(x, y, width, height), crowd=False, keypoints=None)
        return PeopleImage(
            image_id=identity,
            path=folder / name,
            width=whole(image["width"], "width"),
            height=whole(image["height"], "height"),
            people=(person,),
        )
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise InputError(f"{path}: {name}: its box, id or size is missing or invalid ({error}); {REMEDY}") from None
