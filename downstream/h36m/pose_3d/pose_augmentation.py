"""Augmentation of the RLE recipe (Li et al. 2021) beside the affine crop: noise rectangle and channel gain.

Departure: a noise rectangle too long for the box is cut to it, where the published code draws again.
"""

import numpy as np


def cover(region: np.ndarray, box: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """A copy of ``region`` with a rectangle of noise inside ``box``.

    Args:
        region: (H, W, 3) uint8.
        box: x0, y0, x1, y1 in the region's pixels.
        share: the rectangle's area is uniform in [0, share] of the box's; its aspect in [0.3, 1 / 0.3].
    """
    extent = box[2:] - box[:2]
    area = rng.uniform(0, share) * extent.prod()
    aspect = rng.uniform(0.3, 1 / 0.3)
    sides = np.minimum(np.sqrt([area / aspect, area * aspect]), extent)
    low = np.maximum(np.rint(box[:2] + rng.random(2) * (extent - sides)), 0).astype(int)
    high = np.maximum(np.minimum(low + np.rint(sides).astype(int), region.shape[1::-1]), low)
    region = region.copy()
    noise = rng.integers(0, 256, size=(high[1] - low[1], high[0] - low[0], 3), dtype=np.uint8)
    region[low[1] : high[1], low[0] : high[0]] = noise
    return region


def amplify(crop: np.ndarray, gain: np.ndarray) -> np.ndarray:
    """Each channel of a uint8 crop times its gain, clipped."""
    return np.clip(crop * gain.astype(np.float32) + 0.5, 0, 255).astype(np.uint8)
