"""gt_valid.mat, the truth of MPII's validation split, and a check that it belongs to valid.json."""

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from downstream.mpii.joints import NUM_JOINTS
from downstream.mpii.plausible import HEAD_OF_BODY, HEAD_SIZE, PLACE, extents
from downstream.mpii.reader import FIRST_PIXEL, MpiiPeople
from downstream.mpii.truth_variables import DATASET_JOINTS
from downstream.reading.entries import Entries
from liftedcl.data_sets.mpii.files import REMEDY, truth_path
from liftedcl.files.mat_file import read_mat
from liftedcl.identity.errors import InputError

_HEAD_FACTOR = 0.6
"""Andriluka et al. 2014: the head's size is 60% of the diagonal of its box."""

_MOST_ODD_PEOPLE = 0.01
"""If the joints of more people than this share lie elsewhere in valid.json, the two files are of different splits."""


@dataclass(frozen=True)
class MpiiTruth:
    """N people in the order of valid.json; 0-based pixels.

    Attributes:
        joints: (N, 16, 2) px, 0 where missing.
        visible: (N, 16) bool: not missing. valid.json has fewer joints, since it lacks some hidden ones.
        head_sizes: (N,) px, 0.6 of the diagonal of the head box.
    """

    joints: np.ndarray
    visible: np.ndarray
    head_sizes: np.ndarray

    def __len__(self) -> int:
        return len(self.joints)


def read_truth(path: Path) -> MpiiTruth:
    """Read and check gt_valid.mat.

    Raises:
        InputError: missing, damaged, of other shapes or another order of joints, or with a head box without extent.
    """
    file = read_mat(path, ("dataset_joints", "jnt_missing", "pos_gt_src", "headboxes_src"), REMEDY)
    names = tuple(str(np.ravel(name)[0]) if np.size(name) else "" for name in np.ravel(file["dataset_joints"]))
    if names != DATASET_JOINTS:
        raise InputError(f"{path}: dataset_joints are {' '.join(names)}, not {' '.join(DATASET_JOINTS)}; {REMEDY}")
    count = np.shape(file["jnt_missing"])[-1]
    missing = _array(file, "jnt_missing", (NUM_JOINTS, count), path)
    positions = _array(file, "pos_gt_src", (NUM_JOINTS, 2, count), path)
    boxes = _array(file, "headboxes_src", (2, 2, count), path)
    if count == 0:
        raise InputError(f"{path}: holds no sample; {REMEDY}")
    entries = Entries(path, REMEDY, range(count))
    entries.check(np.isin(missing, (0, 1)).all(axis=0), "jnt_missing holds other values than 0 and 1")
    visible = missing.T == 0
    joints = np.where(visible[..., None], positions.transpose(2, 0, 1) - FIRST_PIXEL, 0)
    entries.check(np.isfinite(joints).all(axis=(1, 2)), "pos_gt_src holds NaN or infinity")
    entries.within("a joint of pos_gt_src is at", joints, PLACE)
    size_of_person = extents(joints, visible)
    entries.check(size_of_person != 0, "all visible joints of pos_gt_src are in one point")
    head_sizes = _HEAD_FACTOR * np.linalg.norm(boxes[1] - boxes[0], axis=0)
    entries.check(np.isfinite(head_sizes) & (head_sizes > 0), "headboxes_src is not a box")
    entries.within("headboxes_src is of a head of", head_sizes, HEAD_SIZE)
    with np.errstate(divide="ignore"):  # people in one point have a fault already
        size_of_head = head_sizes / size_of_person
    entries.within("headboxes_src is of a head of", size_of_head, HEAD_OF_BODY)
    entries.finish()
    return MpiiTruth(joints=joints, visible=visible, head_sizes=head_sizes)


def check_same_people(truth: MpiiTruth, people: MpiiPeople) -> int:
    """Check that the ground truth is of valid.json's people, in their order.

    Only the positions of joints that both files have are compared, since one published file lacks some joints.

    Returns:
        How many people's joints lie elsewhere (the median is further away than half a head), at most 1% of all;
        stderr names them.

    Raises:
        InputError: other people, or another order.
    """
    path = truth_path(people.root)
    if len(truth) != len(people):
        raise InputError(f"{path}: holds {len(truth)} people, but valid.json beside it {len(people)}; {REMEDY}")
    common = truth.visible & people.visible
    distances = np.where(common, np.linalg.norm(truth.joints - people.joints, axis=2), np.nan)
    known = common.any(axis=1)
    odd = np.zeros(len(truth), bool)
    odd[known] = np.nanmedian(distances[known], axis=1) > truth.head_sizes[known] / 2
    if odd.sum() > _MOST_ODD_PEOPLE * len(truth):
        raise InputError(
            f"{path}: joints of sample {int(np.argmax(odd))} and {int(odd.sum()) - 1} more lie elsewhere than in "
            f"valid.json, so the files are of different splits or in another order; {REMEDY}"
        )
    if odd.any():
        places = ", ".join(map(str, np.flatnonzero(odd)[:8]))
        print(
            f"{path}: joints of {odd.sum()} people lie elsewhere than in valid.json: sample {places}", file=sys.stderr
        )
    return int(odd.sum())


def _array(file: dict[str, np.ndarray], name: str, shape: tuple[int, ...], path: Path) -> np.ndarray:
    value = file[name]
    if value.dtype.kind not in ("biuf" if name == "jnt_missing" else "iuf"):
        raise InputError(f"{path}: {name} holds no numbers; {REMEDY}")
    if value.ndim == len(shape) - 1:  # Matlab drops a last axis of length 1
        value = value[..., None]
    if value.shape != shape:
        raise InputError(f"{path}: {name} has shape {value.shape}, not {shape}; {REMEDY}")
    return value.astype(np.float64)
