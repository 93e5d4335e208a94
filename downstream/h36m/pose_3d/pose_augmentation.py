"""Augmentation of the RLE recipe (Li et al. 2021) beside the affine crop: noise rectangle and channel gain."""

import cv2
import numpy as np

from downstream.reading.frames import Region

_ASPECTS = (0.3, 1 / 0.3)
_LEVELS = np.tile(np.arange(256, dtype=np.uint8)[None, :, None], 3)
_TRIES = 100
"""Nearly every rectangle fits; a person who is outside their image, as a damaged file has them, gets none."""


def cover(region: Region, box: np.ndarray, share: float, rng: np.random.Generator) -> Region:
    """``region`` with noise in the rectangle that `draw_rectangle` draws; its pixels are copied."""
    left, top, right, bottom = draw_rectangle(region, box, share, rng)
    if left == right or top == bottom:
        return region
    pixels = region.pixels.copy()
    pixels[top:bottom, left:right] = rng.integers(0, 256, size=(bottom - top, right - left, 3), dtype=np.uint8)
    return region._replace(pixels=pixels)


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
    size = region.extent
    box = np.clip(box - np.tile(region.corner, 2), 0, np.tile(size - 1, 2))
    extent = box[2:] - box[:2]
    for _ in range(_TRIES):
        area, aspect = rng.uniform(0, share) * extent.prod(), rng.uniform(*_ASPECTS)
        sides = np.sqrt([area / aspect, area * aspect])
        low = box[:2] + rng.random(2) * (extent - sides - 1)
        if (low >= 0).all() and (low + sides < size).all():
            first = low.astype(int)
            left, top = (first * region.scale).astype(int).tolist()
            right, bottom = ((first + sides.astype(int)) * region.scale).astype(int).tolist()
            return left, top, right, bottom
    return 0, 0, 0, 0


def coverable(boxes: np.ndarray, share: float) -> np.ndarray:
    """The parts of images, (N, 4: x0, y0, x1, y1) px, that rectangles of `cover` for ``boxes`` (N, 4) are within."""
    first, last = boxes[:, :2], boxes[:, 2:]
    longest = np.sqrt(share * (last - first).prod(axis=1, keepdims=True) * _ASPECTS[1])
    return np.concatenate([np.minimum(first, last - longest) - 1, np.maximum(last, first + longest) + 1], axis=1)


def amplify(crop: np.ndarray, gain: np.ndarray) -> np.ndarray:
    """Each channel of a uint8 crop (H, W, 3) times its gain, clipped."""
    changed = np.clip(_LEVELS * gain.astype(np.float32) + 0.5, 0, 255).astype(np.uint8)  # of each level of each channel
    return cv2.LUT(crop, changed)
