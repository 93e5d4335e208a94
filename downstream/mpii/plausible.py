"""What MPII's values can be (Andriluka et al. 2014): people in frames of videos, of up to 1920 px, many times over."""

import numpy as np

from downstream.reading.plausible import Plausible

PERSON_HEIGHT = Plausible(2, 20_000, "px")
PLACE = Plausible(-10_000, 20_000, "px")
"""Of joints and centres."""
HEAD_SIZE = Plausible(0.5, 1_500, "px")
HEAD_OF_BODY = Plausible(
    0.01, 10, "times the extent of the person's joints",
    ((0.01, "the boxes seem to be 100 times too large"), (100, "the boxes seem to be 100 times too small")),
)  # fmt: skip
SEVERAL = 4
"""So many visible joints of a person are never all in one point, and their extent says how large the person is."""


def extents(joints: np.ndarray, visible: np.ndarray) -> np.ndarray:
    """Longer sides (N,) px of the boxes of joints (N, J, 2); NaN where fewer than `SEVERAL` are ``visible`` (N, J)."""
    low = np.where(visible[..., None], joints, np.inf).min(axis=1)
    high = np.where(visible[..., None], joints, -np.inf).max(axis=1)
    return np.where(visible.sum(axis=1) >= SEVERAL, (high - low).max(axis=1), np.nan)
