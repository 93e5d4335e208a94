"""People of MPII in Human3.6M's joint order, for training samples without depth (Li et al. 2021). No torch."""

from pathlib import Path

import numpy as np

from downstream.h36m.reader_3d import NUM_REGRESSED
from downstream.mpii.joints import JOINTS as MPII_JOINTS
from downstream.mpii.reader import read_mpii, to_people
from downstream.people import LabelledPeople, People
from liftedcl.skeleton import JOINTS

BOX_SCALE = 1.25
"""Of MPII's people only: their boxes are drawn tighter than Human3.6M's."""


_SAME = {
    "root": "pelvis", "rhip": "right_hip", "rknee": "right_knee", "rankle": "right_ankle", "lhip": "left_hip",
    "lknee": "left_knee", "lankle": "left_ankle", "neck": "upper_neck", "head": "head_top",
    "lshoulder": "left_shoulder", "lelbow": "left_elbow", "lwrist": "left_wrist", "rshoulder": "right_shoulder",
    "relbow": "right_elbow", "rwrist": "right_wrist", "thorax": "thorax",
}  # fmt: skip
"""Human3.6M's belly and nose have no counterpart in MPII."""


def read_mix(folder: str | Path) -> LabelledPeople:
    """MPII's training people, their joints in the order of `reader_3d`, (N, 18, 2), unknown ones not visible.

    Raises:
        InputError: the data set is missing or damaged.
    """
    mpii = to_people(read_mpii(folder, "train"), BOX_SCALE)
    joints = np.zeros((len(mpii), NUM_REGRESSED, 2))
    visible = np.zeros((len(mpii), NUM_REGRESSED), dtype=bool)
    for j, name in enumerate((*JOINTS, "thorax")):
        if name in _SAME:
            theirs = MPII_JOINTS.index(_SAME[name])
            joints[:, j], visible[:, j] = mpii.joints[:, theirs], mpii.visible[:, theirs]
    return LabelledPeople(mpii.people, joints, visible)


def person_boxes(people: People) -> np.ndarray:
    """Boxes (N, 4: x0, y0, x1, y1) in px of people from `read_mix`, without the margin of their regions."""
    half = people.widths[:, None] / BOX_SCALE / 2
    return np.concatenate([people.centres - half, people.centres + half], axis=1)
