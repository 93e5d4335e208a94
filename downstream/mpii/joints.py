"""MPII's 16 joints: names, mirror partners, bones, and which of them are scored."""

import numpy as np

JOINTS = (
    "right_ankle", "right_knee", "right_hip", "left_hip", "left_knee", "left_ankle", "pelvis", "thorax", "upper_neck",
    "head_top", "right_wrist", "right_elbow", "right_shoulder", "left_shoulder", "left_elbow", "left_wrist",
)  # fmt: skip
NUM_JOINTS = len(JOINTS)

MIRRORED = np.array([5, 4, 3, 2, 1, 0, 6, 7, 8, 9, 15, 14, 13, 12, 11, 10])
"""Joint j of a mirrored person is joint MIRRORED[j] of the person."""

SCORED = np.array([name not in ("pelvis", "thorax") for name in JOINTS])
"""(16,) bool: the mean PCKh leaves out pelvis and thorax."""

PARTS = {
    "head": ("head_top",),
    "shoulder": ("left_shoulder", "right_shoulder"),
    "elbow": ("left_elbow", "right_elbow"),
    "wrist": ("left_wrist", "right_wrist"),
    "hip": ("left_hip", "right_hip"),
    "knee": ("left_knee", "right_knee"),
    "ankle": ("left_ankle", "right_ankle"),
}
"""The seven columns of published tables; each is the mean of its joints' PCKh."""

BONES = (
    (0, 1), (1, 2), (2, 6), (6, 3), (3, 4), (4, 5), (6, 7), (7, 8), (8, 9), (7, 12), (12, 11), (11, 10), (7, 13),
    (13, 14), (14, 15),
)  # fmt: skip

SIDES = tuple({"left": "l", "right": "r"}.get(name.split("_")[0], "trunk") for name in JOINTS)
"""The side of each joint, for drawings."""
