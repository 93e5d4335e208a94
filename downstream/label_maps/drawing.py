"""Draws label maps over their images."""

import numpy as np

from downstream.label_maps.classes import IGNORED

_OPACITY = 0.6


def draw_labels(image: np.ndarray, labels: np.ndarray, palette: np.ndarray) -> np.ndarray:
    """A copy of an image (H, W, 3) uint8 RGB with its labels (H, W) in their colours (C, 3).

    The background is darkened, ignored pixels are white.
    """
    colours = np.full((256, 3), 255, dtype=np.uint8)
    colours[: len(palette)] = palette
    mixed = (1 - _OPACITY) * image + _OPACITY * colours[labels]
    mixed[labels == IGNORED] = 255  # outside the image there is nothing to see
    return np.rint(mixed).astype(np.uint8)
