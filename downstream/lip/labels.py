"""LIP's twenty classes, and what mirroring an image does to them. Left and right are the person's own."""

import cv2
import numpy as np

CLASSES = (
    "background", "hat", "hair", "glove", "sunglasses", "upper_clothes", "dress", "coat", "socks", "pants",
    "jumpsuits", "scarf", "skirt", "face", "left_arm", "right_arm", "left_leg", "right_leg", "left_shoe", "right_shoe",
)  # fmt: skip
"""In the order of the label values (Gong et al. 2017)."""
NUM_CLASSES = len(CLASSES)
BACKGROUND = 0
IGNORED = 255
"""The label of pixels that are neither trained on nor scored."""

FLIP_PAIRS = ((14, 15), (16, 17), (18, 19))
"""Classes that change places when an image is mirrored: arms, legs, shoes."""

_MIRRORED_LABEL = np.arange(256, dtype=np.uint8)
for _left, _right in FLIP_PAIRS:
    _MIRRORED_LABEL[[_left, _right]] = _right, _left

PALETTE = np.array(
    [
        (0, 0, 0), (148, 72, 20), (110, 80, 60), (250, 240, 120), (20, 20, 80), (220, 60, 60), (235, 110, 190),
        (150, 40, 90), (180, 230, 200), (60, 90, 190), (120, 200, 60), (250, 170, 40), (180, 90, 220), (245, 205, 175),
        (70, 170, 235), (235, 130, 90), (40, 200, 190), (190, 150, 30), (20, 110, 120), (120, 110, 20),
    ],
    dtype=np.uint8,
)  # fmt: skip
"""(20, 3) RGB for figures: the person's left is blue to green, the right orange to brown."""


def swap_sides(labels: np.ndarray) -> np.ndarray:
    """Exchange left and right in labels (H, W) uint8; all other values stay, 255 included."""
    return cv2.LUT(labels, _MIRRORED_LABEL)
