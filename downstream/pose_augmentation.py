"""Augmentation of the RLE recipe (Li et al. 2021): noise rectangle, affine crop, channel gain.

Departures: a noise rectangle too long for the box is cut to it, where the published code draws again.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from downstream.crop import crop_matrices
from downstream.recipes import PoseAugmentation


@dataclass(frozen=True)
class Draw:
    """What one sample gets: relative scale, rotation in degrees, mirrored or not, gain of the channels (3,)."""

    scale: float
    rotation: float
    flip: bool
    gain: np.ndarray


def draw(recipe: PoseAugmentation, rng: np.random.Generator) -> Draw:
    """Draw one sample's augmentation. Every call uses the generator equally often."""
    scale = np.clip(rng.normal(1, recipe.scale_deviation), *recipe.scale_limits)
    rotation = np.clip(rng.normal(0, recipe.rotation_deviation), -recipe.rotation_limit, recipe.rotation_limit)
    turned, flipped = rng.random(2) < (recipe.rotation_probability, recipe.flip)
    return Draw(float(scale), float(rotation * turned), bool(flipped), rng.uniform(*recipe.channel_gain, size=3))


def augmented_matrix(centre: np.ndarray, side: float, drawn: Draw, size: int) -> np.ndarray:
    """Picture to crop for a box of ``centre`` (2,) and ``side`` px, augmented as ``drawn``. Shape (2, 3)."""
    return crop_matrices(
        centre[None],
        np.array([side * drawn.scale]),
        size=size,
        rotations=np.array([drawn.rotation]),
        flips=np.array([drawn.flip]),
    )[0]


def reach(sides: np.ndarray, recipe: PoseAugmentation) -> np.ndarray:
    """How far from its centre an augmented crop can see, in px: half the diagonal of the largest crop. Shape (N,)."""
    return sides * recipe.scale_limits[1] * np.sqrt(0.5)


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


def warp(region: np.ndarray, matrix: np.ndarray, size: int) -> np.ndarray:
    """Crop (size, size, 3) of a region through ``matrix`` (2, 3), bilinear, black outside."""
    return cv2.warpAffine(region, matrix, (size, size), flags=cv2.INTER_LINEAR)


def amplify(crop: np.ndarray, gain: np.ndarray) -> np.ndarray:
    """Each channel of a uint8 crop times its gain, clipped."""
    return np.clip(crop * gain.astype(np.float32) + 0.5, 0, 255).astype(np.uint8)
