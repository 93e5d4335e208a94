"""The augmented crop against the published order: mirror the image first, then crop it."""

import numpy as np
import pytest

from downstream.samples.affine_augmentation import AffineDraw, augmented_matrices
from downstream.samples.crop import apply_affine, crop_matrices

CENTRE, WIDTH, SIZE = np.array([40.3, 71.9]), 55.0, (48, 64)


@pytest.mark.parametrize("rotation", [0.0, 25.0])
def test_a_mirrored_crop_is_the_crop_of_the_mirrored_image(rotation):
    points, side = np.random.default_rng(0).uniform(0, 100, (1, 9, 2)), 101
    drawn = AffineDraw(scale=1.2, rotation=rotation, flip=True)
    matrix = augmented_matrices(CENTRE[None], np.array([WIDTH]), [drawn], SIZE)
    mirrored_centre, mirrored_points = ([side - 1, 0] + values * [-1, 1] for values in (CENTRE, points))
    plain = crop_matrices(mirrored_centre[None], np.array([1.2 * WIDTH]), size=SIZE, rotations=np.array([-rotation]))
    np.testing.assert_allclose(apply_affine(matrix, points), apply_affine(plain, mirrored_points))


@pytest.mark.parametrize("flip", [False, True])
def test_the_centre_lands_on_the_middle(flip):
    drawn = [AffineDraw(scale=scale, rotation=10.0, flip=flip) for scale in (0.8, 1.1)]
    matrices = augmented_matrices(np.tile(CENTRE, (2, 1)), np.full(2, WIDTH), drawn, SIZE)
    np.testing.assert_allclose(matrices @ [*CENTRE, 1], np.tile(np.array(SIZE) / 2, (2, 1)))
