"""The 13 joints that COCO, MPII and the Kinect have in common, which HCMoCo's graph network runs over.

Order and tree are those of HCMoCo's published code for COCO. Departure: there MPII keeps its own 16 joints; here it
has these too, so that sets with different joints can be mixed.
"""

import numpy as np

COMMON_JOINTS = (
    "right_ankle", "right_knee", "right_hip", "left_hip", "left_knee", "left_ankle", "head", "right_wrist",
    "right_elbow", "right_shoulder", "left_shoulder", "left_elbow", "left_wrist",
)  # fmt: skip
COMMON_PARENTS = (1, 2, 9, 10, 3, 4, -1, 8, 9, 6, 6, 10, 11)
HIPS = (2, 3)

FROM_COCO = (16, 14, 12, 11, 13, 15, 0, 10, 8, 6, 5, 7, 9)
"""Places of `COMMON_JOINTS` among COCO's 17 keypoints; the nose stands for the head."""

FROM_KINECT = (14, 13, 12, 16, 17, 18, 3, 6, 5, 4, 8, 9, 10)
"""Places among the Kinect's 25. As in the published code its left is COCO's right: its pictures are mirrored."""

_FROM_MPII = (0, 1, 2, 3, 4, 5, None, 10, 11, 12, 13, 14, 15)
_MPII_HEAD = [8, 9]  # upper neck and head top, in whose middle the head is


def from_mpii(joints: np.ndarray, labelled: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """MPII's joints (N, 16, 2) and which are labelled (N, 16) as `COMMON_JOINTS`, (N, 13, 2) and (N, 13)."""
    places = [0 if place is None else place for place in _FROM_MPII]
    common, known = joints[:, places].copy(), labelled[:, places].copy()
    head = COMMON_JOINTS.index("head")
    common[:, head], known[:, head] = joints[:, _MPII_HEAD].mean(axis=1), labelled[:, _MPII_HEAD].all(axis=1)
    return common, known
