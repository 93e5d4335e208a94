"""Crops of regions of which only what a crop sees is decoded and copied, in memory that is used again."""

from typing import NamedTuple

import cv2
import numpy as np

from downstream.reading.jpeg_parts import JpegPixels
from downstream.samples.crop import seen_by


class Patch(NamedTuple):
    """``pixels`` (h, w, 3) uint8 RGB in place of a region's own from px (``left``, ``top``) of it on."""

    left: int
    top: int
    pixels: np.ndarray


class Canvas:
    """Cuts crops of ``size``, width and height; of one process.

    Pixels have a fourth channel in here, whose values don't matter: OpenCV warps four in half the time of three.
    """

    def __init__(self, size: tuple[int, int]) -> None:
        self.size = size
        self._memory = np.empty(0, np.uint8)

    def cut(self, pixels: np.ndarray | JpegPixels, matrix: np.ndarray, patch: Patch | None = None) -> np.ndarray:
        """What `crop.warp` makes of the region's ``pixels`` (H, W, 3), to the bit."""
        height, width, _ = pixels.shape
        if self._memory.size < 4 * height * width:
            self._memory = np.empty(4 * height * width, np.uint8)
        canvas = self._memory[: 4 * height * width].reshape(height, width, 4)  # what no crop sees stays as it was
        seen = seen_by(matrix, self.size, pixels.shape)
        if all(part.stop > part.start for part in seen):
            cv2.cvtColor(pixels[seen], cv2.COLOR_RGB2RGBA, dst=canvas[seen])
        if patch is not None:
            left, top, covering = patch
            place = canvas[top : top + covering.shape[0], left : left + covering.shape[1]]
            cv2.cvtColor(covering, cv2.COLOR_RGB2RGBA, dst=place)
        return cv2.cvtColor(cv2.warpAffine(canvas, matrix, self.size, flags=cv2.INTER_LINEAR), cv2.COLOR_RGBA2RGB)
