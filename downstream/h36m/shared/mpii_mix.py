"""People of MPII in Human3.6M's joint order, for training samples without depth. No torch."""

import os
from pathlib import Path

import numpy as np

from downstream.h36m.shared.pose_coding import NUM_REGRESSED
from downstream.mpii.joints import JOINTS as MPII_JOINTS
from downstream.mpii.reader import read_mpii, to_people
from downstream.samples.crop import widths_at_aspect
from downstream.samples.people import LabelledPeople, People
from liftedcl.skeletons.skeleton import JOINTS, NUM_JOINTS

BOX_SCALE = 1.25
"""Used for MPII's people only: their boxes are drawn tighter than Human3.6M's."""
_SAME = {
    "root": "pelvis", "rhip": "right_hip", "rknee": "right_knee", "rankle": "right_ankle", "lhip": "left_hip",
    "lknee": "left_knee", "lankle": "left_ankle", "neck": "upper_neck", "head": "head_top",
    "lshoulder": "left_shoulder", "lelbow": "left_elbow", "lwrist": "left_wrist", "rshoulder": "right_shoulder",
    "relbow": "right_elbow", "rwrist": "right_wrist", "thorax": "thorax",
}  # fmt: skip
"""Human3.6M's belly and nose have no counterpart in MPII."""
_NEAR = ("neck", "head")
"""Joints with the same name in both data sets that are different points: a radius of 12.8 px tells them apart."""


def read_mix(folder: str | Path) -> LabelledPeople:
    """MPII's training people, their joints (N, 18, 2) in the order of the 3D benchmark; unknown joints are not visible.

    Departures from the published code of RLE, whose annotations of MPII are a file of its own: people have squares
    about their position, as large as their scale says, for boxes; and a joint that isn't annotated has no target.

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


def with_mix(people: LabelledPeople, folder: str | None, size: tuple[int, int]) -> LabelledPeople:
    """``people`` of Human3.6M, joints (N, 17, 2), followed by MPII's people in ``folder``; None adds none of them.

    The regions take on the aspect of ``size``, width and height of the network's input. MPII's thorax, neck and head
    are left out.
    """
    if folder is None:
        return people
    mix = read_mix(folder)
    own, theirs = people.people, mix.people
    widths = widths_at_aspect(np.stack([theirs.widths, theirs.widths], axis=1), size, 1.0)
    visible = mix.visible[:, :NUM_JOINTS].copy()
    visible[:, [JOINTS.index(name) for name in _NEAR]] = False
    paths = [part.folder.absolute() / name for part in (own, theirs) for name in part.names]
    common = Path(os.path.commonpath([own.folder.absolute(), theirs.folder.absolute()]))
    return LabelledPeople(
        People(
            folder=common,
            names=[str(path.relative_to(common)) for path in paths],
            sizes=None,
            centres=np.concatenate([own.centres, theirs.centres]),
            widths=np.concatenate([own.widths, widths]),
        ),
        joints=np.concatenate([people.joints, mix.joints[:, :NUM_JOINTS]]),
        visible=np.concatenate([people.visible, visible]),
        guests=len(mix),
    )


def person_boxes(people: People) -> np.ndarray:
    """Boxes (N, 4: x0, y0, x1, y1) in px of people from `read_mix`, without their regions' margin."""
    half = people.widths[:, None] / BOX_SCALE / 2
    return np.concatenate([people.centres - half, people.centres + half], axis=1)
