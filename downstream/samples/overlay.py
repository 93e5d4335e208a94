"""Draws joints and bones on images: the person's left blue, the right red, the rest grey."""

from collections.abc import Sequence

import cv2
import numpy as np

from liftedcl.skeletons.drawing import COLOURS

_RGB = {side: tuple(int(colour[i : i + 2], 16) for i in (1, 3, 5)) for side, colour in COLOURS.items()}
EXAMPLES = 12
"""How many people a figure of predictions shows."""


def draw_keypoints(
    image: np.ndarray,
    joints: np.ndarray,
    visible: np.ndarray,
    bones: Sequence[tuple[int, int]],
    sides: Sequence[str],
) -> np.ndarray:
    """A copy of ``image`` (H, W, 3) uint8 RGB with the visible joints and the bones between them.

    Args:
        joints: (J, 2) px; those far outside the image are left out.
        visible: (J,) bool.
        bones: pairs of joints.
        sides: of each joint: ``l``, ``r`` or ``trunk``.
    """
    image = np.ascontiguousarray(image).copy()
    thickness = max(1, round(image.shape[0] / 128))
    shown = visible & (np.abs(joints) < 8 * max(image.shape[:2])).all(axis=1)
    points = [tuple(np.rint(joint * 16).astype(int).tolist()) if seen else None
              for joint, seen in zip(joints, shown, strict=True)]  # fmt: skip
    for first, second in bones:
        if shown[first] and shown[second]:
            side = sides[first] if sides[first] == sides[second] else "trunk"
            cv2.line(image, points[first], points[second], _RGB[side], thickness, cv2.LINE_AA, 4)
    for joint in np.flatnonzero(shown):
        cv2.circle(image, points[joint], 24 * thickness, _RGB[sides[joint]], -1, cv2.LINE_AA, 4)
    return image
