"""Augmentation of the RLE recipe (Li et al. 2021) beside the affine crop: noise rectangle and channel gain."""

import math

import cv2
import numpy as np

from downstream.reading.frames import Region
from downstream.samples.canvas import Patch

_ASPECTS = (0.3, 1 / 0.3)
_TRIES = 100
"""Nearly every rectangle fits; a person who is outside their image, as a damaged file has them, gets none."""


def draw_noise(rectangle: tuple[int, int, int, int], rng: np.random.Generator) -> Patch | None:
    """Random pixels for a ``rectangle`` of `draw_rectangle`; None for an empty one."""
    left, top, right, bottom = rectangle
    shape = (bottom - top, right - left, 3)
    size = math.prod(shape)
    words = rng.bit_generator.random_raw(-(-size // 8))  # the numbers of rng.integers, in a third of the time
    return Patch(left, top, words.astype("<u8", copy=False).view(np.uint8)[:size].reshape(shape)) if size else None


def draw_rectangle(
    region: Region, box: np.ndarray, share: float, rng: np.random.Generator
) -> tuple[int, int, int, int]:
    """A random rectangle in ``box``, in px of the region: first x and y, and those after the last; perhaps empty.

    As in the published code, a rectangle longer than the box lies across it, and is drawn again where it leaves the
    image. In a resized region the rectangle is where it would be, and its noise as fine as the region's pixels.

    Args:
        region: all of the image that is `coverable`.
        box: first and last pixel, x0, y0, x1, y1, in the image's pixels.
        share: the rectangle's area is uniform in [0, share] of the box's; its aspect in [0.3, 1 / 0.3].
    """
    (width, height), corner, scale = region.extent.tolist(), region.corner.tolist(), region.scale.tolist()
    left, top, right, bottom = box.tolist()  # plain numbers: arrays of so few take three times as long
    left, right = (min(max(x - corner[0], 0), width - 1) for x in (left, right))
    top, bottom = (min(max(y - corner[1], 0), height - 1) for y in (top, bottom))
    for _ in range(_TRIES):
        area, aspect = rng.uniform(0, share) * ((right - left) * (bottom - top)), rng.uniform(*_ASPECTS)
        across, down = math.sqrt(area / aspect), math.sqrt(area * aspect)
        x = left + rng.random() * (right - left - across - 1)
        y = top + rng.random() * (bottom - top - down - 1)
        if x >= 0 and y >= 0 and x + across < width and y + down < height:
            ends = (int(x) + int(across)) * scale[0], (int(y) + int(down)) * scale[1]
            return int(int(x) * scale[0]), int(int(y) * scale[1]), int(ends[0]), int(ends[1])
    return 0, 0, 0, 0


def coverable(boxes: np.ndarray, share: float) -> np.ndarray:
    """The parts of images, (N, 4: x0, y0, x1, y1) px, that hold all rectangles drawn for ``boxes`` (N, 4)."""
    first, last = boxes[:, :2], boxes[:, 2:]
    longest = np.sqrt(share * (last - first).prod(axis=1, keepdims=True) * _ASPECTS[1])
    return np.concatenate([np.minimum(first, last - longest) - 1, np.maximum(last, first + longest) + 1], axis=1)


def amplify(crop: np.ndarray, gain: np.ndarray) -> np.ndarray:
    """Each channel of a uint8 crop (H, W, 3) times its gain, clipped."""
    return cv2.transform(crop, np.diag(gain))
