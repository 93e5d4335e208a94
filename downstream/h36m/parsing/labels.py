"""Human3.6M's 25 parts: the values in its files, our class numbers, and what mirroring does. Sides are the person's."""

import numpy as np

from downstream.label_maps.classes import LabelClasses

VALUES = {
    0: "background", 1: "right_hip", 2: "right_knee", 3: "right_foot", 6: "left_hip", 7: "left_knee", 8: "left_foot",
    17: "left_shoulder", 18: "left_elbow", 19: "left_hand", 25: "right_shoulder", 26: "right_elbow", 27: "right_hand",
    32: "crotch", 33: "right_thigh", 34: "right_calf", 38: "left_thigh", 39: "left_calf", 43: "lower_spine",
    44: "upper_spine", 46: "head", 49: "left_arm", 50: "left_forearm", 56: "right_arm", 58: "right_forearm",
}  # fmt: skip
"""Value in Human3.6M's PartLabels -> part. Class numbers count the parts in this order, as published (HCMoCo)."""
CLASSES = tuple(VALUES.values())
FLIP_PAIRS = tuple(
    (CLASSES.index(f"left_{part}"), CLASSES.index(f"right_{part}"))
    for part in ("hip", "knee", "foot", "shoulder", "elbow", "hand", "thigh", "calf", "arm", "forearm")
)

_TRUNK = {"background": (0, 0, 0), "crotch": (230, 200, 60), "lower_spine": (160, 110, 60),
          "upper_spine": (90, 170, 80), "head": (240, 225, 200)}  # fmt: skip
_LIMBS = ("hip", "thigh", "knee", "calf", "foot", "shoulder", "arm", "elbow", "forearm", "hand")


def _colour(part: str) -> tuple[int, int, int]:
    """The person's left is blue to green, the right red to orange; joints and limbs alternate."""
    if part in _TRUNK:
        return _TRUNK[part]
    side, limb = part.split("_")
    step = 20 * _LIMBS.index(limb)
    return (40, 60 + step, 250 - step // 2) if side == "left" else (250 - step // 2, 60 + step, 40)


LABELS = LabelClasses("h36m_parsing", CLASSES, FLIP_PAIRS, np.array([_colour(part) for part in CLASSES], np.uint8))

_CLASS_OF = np.full(256, len(CLASSES), np.uint8)
_CLASS_OF[list(VALUES)] = np.arange(len(CLASSES))
VALUE_OF = np.array(list(VALUES), np.uint8)
"""(25,): the value of each class."""


def classes_of(values: np.ndarray) -> np.ndarray | None:
    """Class numbers (H, W) uint8 of a matrix of Human3.6M's values; None where one of them is no part's."""
    whole = values.astype(np.uint8)
    if (whole != values).any() or (classes := _CLASS_OF[whole]).max(initial=0) == len(CLASSES):
        return None
    return classes
