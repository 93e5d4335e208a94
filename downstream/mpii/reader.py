"""MPII Human Pose in the published JSON files (Andriluka et al. 2014; Sun et al. 2019, annotation files).

On disk: ``ROOT/annot/{train,valid}.json``, lists of people with ``image``, ``center``, ``scale`` (height / 200 px),
``joints`` (16, 2) and ``joints_vis`` (16,), and the images ``ROOT/images/<image>``. Coordinates there are Matlab's:
the first pixel is 1. Here it is 0. Everything is checked when read.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from downstream.mpii.joints import NUM_JOINTS
from downstream.mpii.plausible import PERSON_HEIGHT, PLACE, extents
from downstream.reading.entries import Entries
from downstream.samples.people import LabelledPeople, People
from liftedcl.data_sets.mpii.files import REMEDY, annotation_path
from liftedcl.files.atomic import read_json
from liftedcl.identity.errors import InputError

FIRST_PIXEL = 1.0
"""The files' coordinate of the first pixel's centre."""

_PX_PER_SCALE = 200.0
_DOWN = 15.0 / 200.0


@dataclass(frozen=True)
class MpiiPeople:
    """N people, in the order of the file; several may be in one image. 0-based pixels, pixel centres at integers.

    Attributes:
        root: folder of the data set.
        names: file names below ``root/images``.
        centres: (N, 2) px, about the middle of the trunk.
        heights: (N,) px, of the person standing upright.
        joints: (N, 16, 2) px; meaningless where not visible.
        visible: (N, 16) bool: annotated.
    """

    root: Path
    names: list[str]
    centres: np.ndarray
    heights: np.ndarray
    joints: np.ndarray
    visible: np.ndarray

    def __len__(self) -> int:
        return len(self.names)


def read_mpii(root: str | Path, split: str) -> MpiiPeople:
    """Read and check one split.

    Raises:
        InputError: names the file and, where one person is wrong, their index.
    """
    people, entries = examine(root, split)
    check_images(people, entries)
    entries.finish()
    return people


def check_images(people: MpiiPeople, entries: Entries) -> None:
    """Note the ``entries`` whose image is missing, and images that can't be of the size that was annotated."""
    folder = people.root / "images"
    entries.pictures(folder)
    entries.on_pictures(folder, people.centres)


def examine(root: str | Path, split: str) -> tuple[MpiiPeople, Entries]:
    """The people of one split, and what is wrong with their entries; their images are not looked for.

    Raises:
        InputError: missing, not JSON, or not a list of objects.
    """
    root, path = Path(root), annotation_path(root, split)
    people = read_entries(path)
    entries = Entries(path, REMEDY, range(len(people)), [person.get("image") for person in people])

    def column(key: str, *shape: int) -> np.ndarray:
        return entries.numbers(lambda i: people[i][key], key, shape)

    centres, scales = column("center", 2), column("scale")
    joints, visible = column("joints", NUM_JOINTS, 2), column("joints_vis", NUM_JOINTS)
    entries.check(scales > 0, "scale is not above 0")
    entries.check(np.isin(visible, (0, 1)).all(axis=1), "joints_vis holds other values than 0 and 1")
    entries.within("scale is of a person of", scales * _PX_PER_SCALE, PERSON_HEIGHT)
    entries.within("center is at", centres, PLACE)
    entries.within("a visible joint is at", np.where(visible[..., None] > 0, joints, 0), PLACE)
    entries.check(extents(joints, visible > 0) != 0, "all visible joints are in one point")
    return MpiiPeople(
        root=root,
        names=entries.names,
        centres=centres - FIRST_PIXEL,
        heights=scales * _PX_PER_SCALE,
        joints=joints - FIRST_PIXEL,
        visible=visible > 0,
    ), entries


def read_entries(path: Path) -> list[dict[str, Any]]:
    """The entries of an annotation file; their content is not checked.

    Raises:
        InputError: missing, not JSON, or not a list of objects.
    """
    if not path.exists() and (hourglass := path.with_suffix(".h5")).exists():
        raise InputError(
            f"{path}: not found, but {hourglass.name} is beside it, the HDF5 file of the hourglass code; "
            "docs/data/mpii.md, `From HDF5`, says how to convert it"
        )
    entries = read_json(path, REMEDY)
    if not isinstance(entries, list):
        raise InputError(f"{path}: is not a list of people; {REMEDY}")
    if not entries:
        raise InputError(f"{path}: holds no sample; {REMEDY}")
    objects = Entries(path, REMEDY, range(len(entries)))
    objects.check(np.array([isinstance(entry, dict) for entry in entries]), "is not an object")
    objects.finish()
    return entries


def to_people(people: MpiiPeople, box_scale: float) -> LabelledPeople:
    """The people with the square regions that a network sees.

    The published recipe moves the centre down by 15 px for a person 200 px tall, so that the legs fit in, and
    takes 1.25 (``box_scale``) times the height as the side.
    """
    shift = np.stack([np.zeros(len(people)), _DOWN * people.heights], axis=1)
    regions = People(
        folder=people.root / "images",
        names=people.names,
        sizes=None,
        centres=people.centres + shift,
        widths=people.heights * box_scale,
    )
    return LabelledPeople(regions, people.joints, people.visible)
