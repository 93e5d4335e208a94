"""Impossible poses that ranges of single joints can't prevent: an arm through the person's own trunk or head."""

import numpy as np

from liftedcl.skeletons.skeleton import JOINTS

TRUNK_RADIUS_CM = 10.0
HEAD_RADIUS_CM = 8.0
"""An arm's bone that comes nearer to the bones of the trunk or head is inside them, for people with thighs of 45 cm."""

_BODY = (
    ("root", "belly", TRUNK_RADIUS_CM),
    ("belly", "neck", TRUNK_RADIUS_CM),
    ("neck", "head", HEAD_RADIUS_CM),
    ("nose", "head", HEAD_RADIUS_CM),
)
_ARMS = (("lshoulder", "lelbow"), ("lelbow", "lwrist"), ("rshoulder", "relbow"), ("relbow", "rwrist"))


def arms_in_body(joints: np.ndarray) -> np.ndarray:
    """Which people (17, 3, n) in cm hold an upper arm or forearm through their trunk or head: (n,) bool."""
    inside = np.zeros(joints.shape[2], dtype=bool)
    for upper, lower in _ARMS:
        for below, above, radius in _BODY:
            bones = (joints[JOINTS.index(joint)] for joint in (upper, lower, below, above))
            inside |= _squared_distance(*bones) < radius**2
    return inside


def _squared_distance(start: np.ndarray, end: np.ndarray, below: np.ndarray, above: np.ndarray) -> np.ndarray:
    """Squared distances (n,) between the segments from ``start`` to ``end`` and from ``below`` to ``above``, (3, n).

    The nearest point of one line is cut to its segment, then the one nearest to it on the other, then the first again
    (Ericson, Real-Time Collision Detection, section 5.1.9).
    """
    one, two, apart = end - start, above - below, start - below
    one_one, two_two, one_two = _dot(one, one), _dot(two, two), _dot(one, two)
    one_apart, two_apart = _dot(one, apart), _dot(two, apart)
    across = np.maximum(one_one * two_two - one_two * one_two, 1e-6)  # 0 for parallel bones, where any point will do
    along_one = np.clip((one_two * two_apart - one_apart * two_two) / across, 0, 1)
    along_two = np.clip((one_two * along_one + two_apart) / two_two, 0, 1)
    along_one = np.clip((one_two * along_two - one_apart) / one_one, 0, 1)
    apart += along_one * one
    apart -= along_two * two
    return _dot(apart, apart)


def _dot(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Dot products (n,) of vectors (3, n)."""
    return first[0] * second[0] + first[1] * second[1] + first[2] * second[2]
