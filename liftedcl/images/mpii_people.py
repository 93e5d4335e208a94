"""People of MPII's training split, for pre-training: their joints, and boxes around these.

The file has no boxes. Theirs here reach past the labelled joints by a share of the longer side, as NTU RGB+D's do;
HCMoCo's published code has squares around MPII's given centres instead.
"""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from liftedcl.data_sets.coco.entries import number, shown, whole
from liftedcl.data_sets.mpii.files import IMAGES, REMEDY, annotation_path
from liftedcl.files.atomic import read_json
from liftedcl.files.image_header import TOLERATED_SHARE, BrokenImageError, read_header
from liftedcl.identity.errors import InputError
from liftedcl.images.coco_people import FoundPeople, PeopleImage, Person
from liftedcl.skeletons.common_joints import from_mpii

_JOINTS = 16
_MARGIN = 0.15
_FIRST_PIXEL = 1.0  # MPII counts pixels from 1


class MpiiJoints(NamedTuple):
    """N people: their images' ``names``, ``joints`` (N, 13, 2) in px from 0, and which are ``labelled`` (N, 13)."""

    names: list[str]
    joints: np.ndarray
    labelled: np.ndarray


def read_mpii_joints(root: str | Path) -> MpiiJoints:
    """The people of the training split, in the order of the file.

    Raises:
        InputError: the file is missing or damaged; the message names the first entry that is wrong.
    """
    path = annotation_path(root, "train")
    entries = read_json(path, REMEDY)
    if not isinstance(entries, list) or not entries:
        raise InputError(f"{path}: is no list of people; {REMEDY}")
    names, joints, labelled = [], [], []
    for place, entry in enumerate(entries):
        try:
            name, where, known = _entry(entry)
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise InputError(f"{path}: person {place}: not in MPII's format ({error}); {REMEDY}") from None
        names.append(name)
        joints.append(where)
        labelled.append(known)
    return MpiiJoints(names, *from_mpii(np.array(joints) - _FIRST_PIXEL, np.array(labelled)))


def mpii_people(root: str | Path, people: MpiiJoints) -> FoundPeople:
    """The images of ``people``; the annotation id of each is their place in the file, from 0.

    Raises:
        InputError: over 1% of the images are missing or broken.
    """
    ids: dict[str, list[int]] = {}
    for place, name in enumerate(people.names):
        ids.setdefault(name, []).append(place)
    images, broken, left_out = [], [], {"broken_image": 0, "few_joints": 0}
    for number_of, (name, places) in enumerate(sorted(ids.items())):
        path = Path(root) / IMAGES / name
        shown_ones = [place for place in places if people.labelled[place].sum() >= 2]
        left_out["few_joints"] += len(places) - len(shown_ones)
        try:
            header = read_header(path)
        except BrokenImageError as error:
            broken.append(f"{path}: {error}")
            left_out["broken_image"] += len(shown_ones)
            continue
        found = tuple(
            Person(place, _box(people.joints[place][people.labelled[place]]), False, int(people.labelled[place].sum()))
            for place in shown_ones
        )
        images.append(PeopleImage(number_of, path, header.width, header.height, found))
    if len(broken) > TOLERATED_SHARE * len(ids):
        raise InputError(f"{broken[0]}; {len(broken):,} of {len(ids):,} images can't be used; {REMEDY}")
    return FoundPeople(images, broken, left_out)


def _box(joints: np.ndarray) -> tuple[float, float, float, float]:
    low, high = joints.min(axis=0), joints.max(axis=0)
    margin = _MARGIN * float((high - low).max()) + 1.0
    return (*(low - margin).tolist(), *(high - low + 2 * margin).tolist())


def _entry(entry: dict[str, Any]) -> tuple[str, list[list[float]], list[bool]]:
    name, joints, visible = entry["image"], entry["joints"], entry["joints_vis"]
    if not isinstance(name, str) or "/" in name or "\0" in name or name in ("", ".", ".."):
        raise ValueError(f"image: {shown(name)} is no name of an image")
    if not isinstance(joints, list) or len(joints) != _JOINTS or len(visible) != _JOINTS:
        raise ValueError(f"joints: not {_JOINTS} of them")
    where = [[number(value, "joints") for value in place] for place in joints]
    if any(len(place) != 2 or not np.isfinite(place).all() for place in where):
        raise ValueError("joints: a place is not two finite numbers")
    return name, where, [whole(flag, "joints_vis") > 0 for flag in visible]
