"""Keypoint conventions as linear maps of the body's 30 landmarks, and which keypoints an image shows.

All 2D and 3D annotations come from the same landmarks, so they agree with each other and with a regressor applied to
the posed mesh (`h36m_regressor`, the counterpart of SMPL's J_regressor_h36m).
"""

import numpy as np

from synthetic.people import body as b
from synthetic.people.body import Body

COCO_NAMES = (
    "nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder", "left_elbow",
    "right_elbow", "left_wrist", "right_wrist", "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle",
    "right_ankle",
)  # fmt: skip
COCO_SKELETON = (
    (16, 14), (14, 12), (17, 15), (15, 13), (12, 13), (6, 12), (7, 13), (6, 7), (6, 8), (7, 9), (8, 10), (9, 11),
    (2, 3), (1, 2), (1, 3), (2, 4), (3, 5), (4, 6), (5, 7),
)  # fmt: skip

_COCO = (
    b.NOSE, b.LEFT_EYE, b.RIGHT_EYE, b.LEFT_EAR, b.RIGHT_EAR, b.LEFT_SHOULDER, b.RIGHT_SHOULDER, b.LEFT_ELBOW,
    b.RIGHT_ELBOW, b.LEFT_WRIST, b.RIGHT_WRIST, b.LEFT_HIP, b.RIGHT_HIP, b.LEFT_KNEE, b.RIGHT_KNEE, b.LEFT_ANKLE,
    b.RIGHT_ANKLE,
)  # fmt: skip
_MID_HIP = {b.LEFT_HIP: 0.5, b.RIGHT_HIP: 0.5}
_THORAX = {b.LEFT_SHOULDER: 0.25, b.RIGHT_SHOULDER: 0.25, b.NECK: 0.5}
_H36M = (
    _MID_HIP, b.RIGHT_HIP, b.RIGHT_KNEE, b.RIGHT_ANKLE, b.LEFT_HIP, b.LEFT_KNEE, b.LEFT_ANKLE,
    {b.SPINE2: 0.7, b.SPINE1: 0.3},
    {b.NECK: 0.6, b.LEFT_SHOULDER: 0.2, b.RIGHT_SHOULDER: 0.2},
    {b.NOSE: 0.5, b.HEAD: 0.5},
    {b.HEAD_TOP: 0.7, b.HEAD: 0.3},
    b.LEFT_SHOULDER, b.LEFT_ELBOW, b.LEFT_WRIST, b.RIGHT_SHOULDER, b.RIGHT_ELBOW, b.RIGHT_WRIST,
)  # fmt: skip
"""In the order of liftedcl.skeletons.skeleton.JOINTS."""
_MPII = (
    b.RIGHT_ANKLE, b.RIGHT_KNEE, b.RIGHT_HIP, b.LEFT_HIP, b.LEFT_KNEE, b.LEFT_ANKLE, _MID_HIP, _THORAX, b.NECK,
    b.HEAD_TOP, b.RIGHT_WRIST, b.RIGHT_ELBOW, b.RIGHT_SHOULDER, b.LEFT_SHOULDER, b.LEFT_ELBOW, b.LEFT_WRIST,
)  # fmt: skip
_KINECT = (
    _MID_HIP, b.SPINE2, b.NECK, b.HEAD, b.RIGHT_SHOULDER, b.RIGHT_ELBOW, b.RIGHT_WRIST, b.RIGHT_HAND, b.LEFT_SHOULDER,
    b.LEFT_ELBOW, b.LEFT_WRIST, b.LEFT_HAND, b.RIGHT_HIP, b.RIGHT_KNEE, b.RIGHT_ANKLE, b.RIGHT_FOOT, b.LEFT_HIP,
    b.LEFT_KNEE, b.LEFT_ANKLE, b.LEFT_FOOT, _THORAX, b.RIGHT_HAND, b.RIGHT_HAND, b.LEFT_HAND, b.LEFT_HAND,
)  # fmt: skip
"""The Kinect's 25 joints, of which the left ones are the person's right: its pictures are mirrored, ours are not. The
body has no tips of hands and no thumbs, where the hand stands."""


def _map(rows: tuple[int | dict[int, float], ...]) -> np.ndarray:
    matrix = np.zeros((len(rows), 30))
    for row, source in enumerate(rows):
        for landmark, weight in (source if isinstance(source, dict) else {source: 1.0}).items():
            matrix[row, landmark] = weight
    return matrix


COCO_MAP, H36M_MAP, MPII_MAP, KINECT_MAP = _map(_COCO), _map(_H36M), _map(_MPII), _map(_KINECT)
"""(17, 30), (17, 30), (16, 30), (25, 30): keypoints = map @ landmarks."""

# Parts whose surface may cover a COCO keypoint without hiding it, and the greatest depth below that surface (m).
_COCO_PARTS = (
    *[(b.HEAD,)] * 5,
    (b.LEFT_SHOULDER, b.LEFT_COLLAR, b.SPINE3), (b.RIGHT_SHOULDER, b.RIGHT_COLLAR, b.SPINE3),
    (b.LEFT_SHOULDER, b.LEFT_ELBOW), (b.RIGHT_SHOULDER, b.RIGHT_ELBOW),
    (b.LEFT_ELBOW, b.LEFT_WRIST, b.LEFT_HAND), (b.RIGHT_ELBOW, b.RIGHT_WRIST, b.RIGHT_HAND),
    (b.LEFT_HIP, b.PELVIS), (b.RIGHT_HIP, b.PELVIS), (b.LEFT_HIP, b.LEFT_KNEE), (b.RIGHT_HIP, b.RIGHT_KNEE),
    (b.LEFT_KNEE, b.LEFT_ANKLE), (b.RIGHT_KNEE, b.RIGHT_ANKLE),
)  # fmt: skip
_COCO_DEPTH_M = np.array([0.06] * 5 + [0.22] * 2 + [0.15] * 4 + [0.25] * 2 + [0.17] * 4)
_COCO_PART_ALLOWED = np.zeros((17, 25), bool)
for _joint, _parts in enumerate(_COCO_PARTS):
    _COCO_PART_ALLOWED[_joint, [part + 1 for part in _parts]] = True


def h36m_regressor(body: Body) -> np.ndarray:
    """Regressor (17, V) from posed vertices to the Human3.6M joints."""
    return H36M_MAP @ body.landmark_regressor


def coco_visibility(
    projected: np.ndarray, instance: np.ndarray, part: np.ndarray, depth: np.ndarray, person: int
) -> np.ndarray:
    """COCO's flag of each keypoint: 0 outside the image, 1 hidden, 2 visible. Shape (17,) int.

    A keypoint is visible when the image shows this person's own surface there, of a part next to the joint, and the
    joint lies no deeper below it than flesh and clothes are.

    Args:
        projected: (17, 3) pixel coordinates and depth (m).
        instance, part, depth: (H, W), as in `Frame`.
        person: number in ``instance``.
    """
    height, width = instance.shape
    column, row = np.round(projected[:, :2]).astype(np.int64).T
    inside = (projected[:, 2] > 0.05) & (column >= 0) & (column < width) & (row >= 0) & (row < height)
    column, row = np.where(inside, column, 0), np.where(inside, row, 0)
    shown = (instance[row, column] == person) & _COCO_PART_ALLOWED[np.arange(17), part[row, column]]
    shown &= projected[:, 2] - depth[row, column] < _COCO_DEPTH_M
    return np.where(inside, 1 + shown, 0)
