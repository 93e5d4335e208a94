"""Random scale, rotation and mirror of a sample, and the crop that results. No torch."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from downstream.samples.crop import crop_matrices
from downstream.training.augmentation_recipe import AffineAugmentation


class AffineDraw(NamedTuple):
    """Augmentation of one sample: relative scale of its region, rotation in degrees, mirrored or not."""

    scale: float
    rotation: float
    flip: bool


def draw_affine(recipe: AffineAugmentation, rng: np.random.Generator) -> AffineDraw:
    """Draw one sample's augmentation. Every call draws equally many random numbers."""
    (low, high), limit = recipe.scale_limits, recipe.rotation_limit
    scale = min(max(rng.normal(1, recipe.scale_deviation), low), high)
    rotation = min(max(rng.normal(0, recipe.rotation_deviation), -limit), limit)
    turned, flipped = rng.random() < recipe.rotation_probability, rng.random() < recipe.flip
    return AffineDraw(float(scale), float(rotation * turned), flipped)


def augmented_matrices(
    centres: np.ndarray, widths: np.ndarray, drawn: Sequence[AffineDraw], size: tuple[int, int]
) -> np.ndarray:
    """Image to crop (N, 2, 3) for regions of ``centres`` (N, 2) and ``widths`` (N,) px, augmented as ``drawn``.

    The centre lands on the middle of a mirrored crop too, as in the published code, which mirrors the image and then
    crops it. A mirror image of the plain crop, as the flip test sees it, has it 1 px further to the left.
    """
    scales, rotations, flips = (np.array(column) for column in zip(*drawn, strict=True))
    matrices = crop_matrices(centres, widths * scales, size=size, rotations=rotations, flips=flips)
    matrices[:, 0, 2] += flips
    return matrices
