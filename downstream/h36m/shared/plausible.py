"""What Human3.6M's values can be: the ranges of its description (Ionescu et al. 2014), several times as wide.

Its people are adults of usual height, whose bones are 26 cm long on average here, 2 to 8 m from cameras of 1000 px and
a focal length of 1145 px, whose principal points are within 2% of the frame's middle.
"""

import numpy as np

from downstream.reading.plausible import Plausible, units
from liftedcl.skeletons.skeleton import BONES, NUM_JOINTS

MEAN_BONE = Plausible(100, 1000, "mm", units("mm"))
LONGEST_BONE = Plausible(1, 2000, "mm", units("mm"))
DEPTH = Plausible(300, 50_000, "mm")
FOCAL_LENGTH = Plausible(0.2, 20, "widths of the frame")
PRINCIPAL_POINT = Plausible(
    0.35, 0.65, "sizes of the frame",
    ((0.5, "frames of half the size that the camera is of"), (2, "frames of twice the size that the camera is of")),
)  # fmt: skip


def bone_lengths(joints: np.ndarray) -> np.ndarray:
    """Lengths (N, 16) of the bones of joints (N, 17 or more, 3)."""
    parents, children = np.array(BONES).T
    return np.linalg.norm(joints[:, children] - joints[:, parents], axis=2)


def mean_bones(joints: np.ndarray) -> np.ndarray:
    """Mean length (N,) of the bones of each pose: the size of a skeleton, whatever its posture."""
    return bone_lengths(joints[:, :NUM_JOINTS]).mean(axis=1)
