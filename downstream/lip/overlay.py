"""Label maps drawn over their pictures, in LIP's colours."""

import numpy as np

from downstream.lip.labels import IGNORED, PALETTE
from downstream.lip.whole_picture import fitting_matrices, warp_labels
from downstream.samples.crop import warp

_OPACITY = 0.6


def draw_labels(image: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """A picture (H, W, 3) uint8 RGB with its labels (H, W) in their colours, a copy.

    The background is darkened, ignored pixels are white.
    """
    colours = np.full((256, 3), 255, dtype=np.uint8)
    colours[: len(PALETTE)] = PALETTE
    mixed = (1 - _OPACITY) * image + _OPACITY * colours[labels]
    mixed[labels == IGNORED] = 255  # outside the picture: nothing to see below it
    return np.rint(mixed).astype(np.uint8)


def compared(image: np.ndarray, truth: np.ndarray, predicted: np.ndarray, side: int) -> np.ndarray:
    """True labels beside predicted ones, each over the picture fitted into a square: (side, 2 * side, 3) uint8."""
    matrix = fitting_matrices(np.array([image.shape[1::-1]]), side)[0]
    fitted = warp(image, matrix, (side, side))
    return np.concatenate([draw_labels(fitted, warp_labels(labels, matrix, side)) for labels in (truth, predicted)], 1)
