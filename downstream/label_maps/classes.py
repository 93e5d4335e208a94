"""The classes of a parsing benchmark, and what mirroring an image does to them. Left and right are the person's own."""

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

IGNORED = 255
"""The label of pixels that are neither trained on nor scored."""
BACKGROUND = 0


@dataclass(frozen=True, eq=False)
class LabelClasses:
    """Classes in the order of their numbers, the background first.

    Attributes:
        title: of the data set, as messages call it.
        names: of the classes.
        flip_pairs: classes that change places when an image is mirrored.
        palette: a colour (C, 3) uint8 RGB for each, for figures.
    """

    title: str
    names: tuple[str, ...]
    flip_pairs: tuple[tuple[int, int], ...]
    palette: np.ndarray

    @property
    def count(self) -> int:
        """C."""
        return len(self.names)

    @cached_property
    def mirrored(self) -> np.ndarray:
        """The class (256,) uint8 that each value becomes in the mirror; all but those of pairs stay."""
        values = np.arange(256, dtype=np.uint8)
        for one, other in self.flip_pairs:
            values[[one, other]] = other, one
        return values

    def swap_sides(self, labels: np.ndarray) -> np.ndarray:
        """Exchange left and right in labels (H, W) uint8; all other values stay, 255 included."""
        return cv2.LUT(labels, self.mirrored)
