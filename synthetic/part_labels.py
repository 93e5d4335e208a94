"""Human3.6M's 25 parts of a rendered person: the joint that moves the surface, and how near a joint it is."""

import numpy as np

from downstream.h36m.parsing.labels import CLASSES
from synthetic.people import body as b
from synthetic.people.person import PosedPerson
from synthetic.renderer.camera import Camera
from synthetic.renderer.render import Frame

_MOVED = {
    b.PELVIS: "crotch", b.SPINE1: "lower_spine", b.SPINE2: "upper_spine", b.SPINE3: "upper_spine", b.NECK: "head",
    b.HEAD: "head", b.LEFT_HIP: "left_thigh", b.RIGHT_HIP: "right_thigh", b.LEFT_KNEE: "left_calf",
    b.RIGHT_KNEE: "right_calf", b.LEFT_ANKLE: "left_foot", b.RIGHT_ANKLE: "right_foot", b.LEFT_FOOT: "left_foot",
    b.RIGHT_FOOT: "right_foot", b.LEFT_COLLAR: "left_shoulder", b.RIGHT_COLLAR: "right_shoulder",
    b.LEFT_SHOULDER: "left_arm", b.RIGHT_SHOULDER: "right_arm", b.LEFT_ELBOW: "left_forearm",
    b.RIGHT_ELBOW: "right_forearm", b.LEFT_WRIST: "left_hand", b.RIGHT_WRIST: "right_hand", b.LEFT_HAND: "left_hand",
    b.RIGHT_HAND: "right_hand",
}  # fmt: skip
"""Joint -> the part that it moves."""
_AROUND = {
    b.LEFT_HIP: ("left_hip", ("left_thigh",), 0.13), b.RIGHT_HIP: ("right_hip", ("right_thigh",), 0.13),
    b.LEFT_KNEE: ("left_knee", ("left_thigh", "left_calf"), 0.10),
    b.RIGHT_KNEE: ("right_knee", ("right_thigh", "right_calf"), 0.10),
    b.LEFT_SHOULDER: ("left_shoulder", ("left_arm",), 0.10),
    b.RIGHT_SHOULDER: ("right_shoulder", ("right_arm",), 0.10),
    b.LEFT_ELBOW: ("left_elbow", ("left_arm", "left_forearm"), 0.07),
    b.RIGHT_ELBOW: ("right_elbow", ("right_arm", "right_forearm"), 0.07),
}  # fmt: skip
"""Joint -> the part around it, the parts that it takes from, and its radius in m. Human3.6M's own extents of joints are
unknown; these only have to be the same in every frame."""

_PART_OF = np.zeros(len(b.PARENTS) + 1, np.uint8)
for _joint, _part in _MOVED.items():
    _PART_OF[_joint + 1] = CLASSES.index(_part)


def part_labels(frame: Frame, person: PosedPerson, camera: Camera) -> np.ndarray:
    """Class numbers (H, W) uint8 of the one person in a frame."""
    moved = np.where(frame.instance == 1, _PART_OF[frame.part], 0)
    labels, rows_columns = moved.copy(), np.nonzero(moved)
    rows, columns = rows_columns
    depth = frame.depth[rows_columns].astype(np.float64)
    seen = np.stack([(columns - camera.cx) / camera.focal, (rows - camera.cy) / camera.focal, np.ones(len(rows))], 1)
    points = seen * depth[:, None]
    joints = camera.to_camera(person.landmarks)
    for joint, (part, taken, radius) in _AROUND.items():
        near = np.linalg.norm(points - joints[joint], axis=1) < radius
        near &= np.isin(moved[rows_columns], [CLASSES.index(name) for name in taken])
        labels[rows[near], columns[near]] = CLASSES.index(part)
    return labels
