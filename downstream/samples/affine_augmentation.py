"""Random scale, rotation and mirror of a sample, and the crop that results. No torch."""

from dataclasses import dataclass

import numpy as np

from downstream.samples.crop import crop_matrices
from downstream.training.augmentation_recipe import AffineAugmentation


@dataclass(frozen=True)
class AffineDraw:
    """Augmentation of one sample: relative scale of its region, rotation in degrees, mirrored or not."""

    scale: float
    rotation: float
    flip: bool


def draw_affine(recipe: AffineAugmentation, rng: np.random.Generator) -> AffineDraw:
    """Draw one sample's augmentation. Every call draws equally many random numbers."""
    scale = np.clip(rng.normal(1, recipe.scale_deviation), *recipe.scale_limits)
    rotation = np.clip(rng.normal(0, recipe.rotation_deviation), -recipe.rotation_limit, recipe.rotation_limit)
    turned, flipped = rng.random(2) < (recipe.rotation_probability, recipe.flip)
    return AffineDraw(float(scale), float(rotation * turned), bool(flipped))


def augmented_matrix(centre: np.ndarray, width: float, drawn: AffineDraw, size: tuple[int, int]) -> np.ndarray:
    """Image to crop (2, 3) for a region of ``centre`` (2,) and ``width`` px, augmented as ``drawn``.

    The centre lands on the middle of a mirrored crop too, as in the published code, which mirrors the image and then
    crops it. A mirror image of the plain crop, as the flip test sees it, has it 1 px further to the left.
    """
    matrix = crop_matrices(
        centre[None],
        np.array([width * drawn.scale]),
        size=size,
        rotations=np.array([drawn.rotation]),
        flips=np.array([drawn.flip]),
    )[0]
    matrix[0, 2] += drawn.flip
    return matrix
