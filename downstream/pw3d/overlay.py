"""Pictures of the shape benchmark: bodies drawn over their crops, and targets over augmented crops."""

import cv2
import numpy as np

from downstream.pw3d.body_model import TRAINING_JOINTS
from downstream.samples.overlay import draw_keypoints

_LIGHT, _DARK = np.array([205.0, 215.0, 245.0]), np.array([30.0, 35.0, 60.0])
"""RGB of a surface that faces the camera, and of one seen from its edge."""

_BONES = (
    (0, 1), (1, 2), (2, 14), (14, 3), (3, 4), (4, 5), (6, 7), (7, 8), (8, 15), (15, 9), (9, 10), (10, 11), (14, 16),
    (16, 15), (15, 12), (12, 13),
)  # fmt: skip
_SIDES = tuple({"left": "l", "right": "r"}.get(name.split("_")[0], "trunk") for name in TRAINING_JOINTS)


def draw_mesh(
    image: np.ndarray, vertices: np.ndarray, faces: np.ndarray, *, focal_length: float, opacity: float = 0.85
) -> np.ndarray:
    """A copy of ``image`` with a shaded mesh over it, painted from the far side to the near one.

    Args:
        image: (H, W, 3) uint8 RGB, whose middle the camera looks at.
        vertices: (V, 3) in the camera's frame (x right, y down); nothing is drawn unless all are before the camera.
        faces: (F, 3), counter-clockwise seen from outside.
        focal_length: in px of ``image``.
    """
    if not (np.isfinite(vertices).all() and vertices[:, 2].min() > 0):
        return image.copy()
    height, width = image.shape[:2]
    points = vertices[:, :2] / vertices[:, 2:] * focal_length + (width / 2, height / 2)
    points = np.clip(points, -4 * width, 4 * width)
    corners = vertices[faces]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    middles = corners.mean(axis=1)
    lengths = np.linalg.norm(normals, axis=1) * np.linalg.norm(middles, axis=1)
    facing = -(normals * middles).sum(axis=1) / np.maximum(lengths, 1e-12)  # 1: square on, 0: from the edge
    seen = np.flatnonzero(facing > 0)
    seen = seen[np.argsort(-middles[seen, 2], kind="stable")]
    colours = _DARK + facing[seen, None] * (_LIGHT - _DARK)
    polygons = np.rint(points[faces[seen]] * 16).astype(np.int32)
    painted, covered = np.ascontiguousarray(image).copy(), np.zeros((height, width), dtype=np.uint8)
    for polygon, colour in zip(polygons, colours.tolist(), strict=True):
        cv2.fillConvexPoly(painted, polygon, colour, cv2.LINE_8, 4)
        cv2.fillConvexPoly(covered, polygon, 1, cv2.LINE_8, 4)
    blended = cv2.addWeighted(painted, opacity, np.ascontiguousarray(image), 1 - opacity, 0)
    return np.where(covered[..., None] > 0, blended, image)


def draw_joints(image: np.ndarray, joints: np.ndarray, known: np.ndarray) -> np.ndarray:
    """A copy of ``image`` with those of the 24 training joints (24, 2) px that are ``known`` (24,) bool."""
    return draw_keypoints(image, joints, known, _BONES, _SIDES)
