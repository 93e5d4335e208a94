"""Annotations of MPII's official release, ``mpii_human_pose_v1_u12_1.mat``, as the JSON files that the field trains on.

The release has no validation split. The one in use (Tompson et al. 2015) lists people, not images. Other people in
their images are in neither split, so that training and testing share no image.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from downstream.mpii.joints import NUM_JOINTS
from downstream.mpii.truth_variables import truth_variables
from liftedcl.files.mat_file import read_mat
from liftedcl.identity.errors import InputError

REMEDY = "download the annotations again, see docs/data/mpii.md"

Entry = dict[str, Any]


@dataclass(frozen=True)
class ReleasePerson:
    """``number`` counts the people of an image from 1, as the release does. ``entry`` goes into the JSON files.

    ``head_box`` (2, 2) holds its corners, 1-based px.
    """

    image: str
    number: int
    entry: Entry
    head_box: np.ndarray


def read_release(path: Path) -> tuple[list[ReleasePerson], list[Entry], int]:
    """Read the release's annotation file; takes about a minute.

    Returns:
        People of training images with joints, place, scale and head box; single people of test images, without joints;
        and how many people of training images lack one of the four.

    Raises:
        InputError: damaged, or not laid out as the release is.
    """
    release = read_mat(path, ("RELEASE",), REMEDY, structs=True)["RELEASE"]
    try:
        pictures = list(_structs(release.annolist))
        training = np.atleast_1d(release.img_train)
        singles = np.atleast_1d(release.single_person)
        if not len(pictures) == len(training) == len(singles):
            raise InputError(f"{path}: annolist, img_train and single_person differ in length; {REMEDY}")
        labelled, test, left_out = [], [], 0
        for picture, trains, single in zip(pictures, training, singles, strict=True):
            name = str(picture.image.name)
            alone = set(np.ravel(single).astype(int).tolist())
            for number, person in enumerate(_structs(picture.annorect), start=1):
                entry = _entry(name, person)
                if not trains:
                    test += [entry] if entry is not None and number in alone else []
                elif entry is None or "joints" not in entry or (head_box := _head_box(person)) is None:
                    left_out += 1
                else:
                    labelled.append(ReleasePerson(name, number, entry, head_box))
    except (AttributeError, TypeError, ValueError, IndexError) as error:
        raise InputError(f"{path}: not laid out as MPII's release ({error}); {REMEDY}") from None
    return labelled, test, left_out


def split(people: list[ReleasePerson], validation: Path) -> tuple[list[ReleasePerson], list[ReleasePerson]]:
    """Training and validation people.

    Args:
        people: all labelled people.
        validation: text file with a line per validation person: "PICTURE NUMBER", or "PICTURE" for all people in it.

    Raises:
        InputError: a line that names no labelled person, or a split without people.
    """
    try:
        lines = [line.split() for line in validation.read_text(encoding="utf-8").splitlines() if line.strip()]
    except FileNotFoundError:
        raise InputError(f"{validation}: not found; docs/data/mpii.md says what it holds") from None
    except UnicodeDecodeError:
        raise InputError(f"{validation}: is not text; docs/data/mpii.md says what it holds") from None
    named = {(person.image, str(person.number)): person for person in people}
    everybody: dict[str, list[ReleasePerson]] = {}
    for person in people:
        everybody.setdefault(person.image, []).append(person)
    valid = []
    for number, line in enumerate(lines, start=1):
        found = everybody.get(line[0], []) if len(line) == 1 else [named[key] for key in [tuple(line)] if key in named]
        if not found:
            raise InputError(f"{validation}: line {number}: {' '.join(line)} is not a labelled person of the release")
        valid += found
    pictures = {person.image for person in valid}
    train = [person for person in people if person.image not in pictures]
    if not valid or not train:
        raise InputError(f"{validation}: leaves {len(train)} people to train on and {len(valid)} to validate on")
    return train, valid


def truth_arrays(people: list[ReleasePerson]) -> dict[str, np.ndarray]:
    """The variables of gt_valid.mat for ``people``, in their order."""
    visible = np.array([person.entry["joints_vis"] for person in people])
    joints = np.array([person.entry["joints"] for person in people])
    boxes = np.array([person.head_box for person in people])
    return truth_variables(joints, visible, boxes)


def _structs(value: Any) -> Iterator[Any]:
    """The structs of a field, which holds none, one or an array of them."""
    return iter(np.atleast_1d(value).tolist() if np.size(value) else [])


def _entry(image: str, person: Any) -> Entry | None:
    """A person's entry in the JSON files, without joints where the release has none; None without place or scale."""
    place, scale = getattr(person, "objpos", None), getattr(person, "scale", None)
    if not hasattr(place, "x") or not np.size(scale):
        return None
    entry = {"image": image, "center": [_number(place.x), _number(place.y)], "scale": _number(scale)}
    points = list(_structs(getattr(getattr(person, "annopoints", None), "point", ())))
    if points:
        joints, visible = np.full((NUM_JOINTS, 2), -1.0), np.zeros(NUM_JOINTS, int)
        for point in points:
            joints[point.id] = _number(point.x), _number(point.y)
            visible[point.id] = 1  # hidden joints too: the release marks them, and PCKh counts all that are marked
        entry |= {"joints": joints.tolist(), "joints_vis": visible.tolist()}
    return entry


def _number(value: Any) -> float:
    """As float. Raises `TypeError` for text, which Python would read as a number."""
    if np.asarray(value).dtype.kind not in "iuf":
        raise TypeError(f"{str(value)[:20]!r} is no number")
    return float(value)


def _head_box(person: Any) -> np.ndarray | None:
    """Corners (2, 2) of the head's box, or None without one."""
    sides = [getattr(person, side, ()) for side in ("x1", "y1", "x2", "y2")]
    if not all(np.size(side) == 1 for side in sides):
        return None
    return np.array([_number(side) for side in sides]).reshape(2, 2)
