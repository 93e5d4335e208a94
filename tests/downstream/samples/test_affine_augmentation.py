"""The augmented crop against the published order: mirror the image first, then crop it."""

import numpy as np
import pytest

from downstream.samples.affine_augmentation import AffineDraw, augmented_matrix
from downstream.samples.crop import apply_affine, crop_matrices

CENTRE, WIDTH, SIZE = np.array([40.3, 71.9]), 55.0, (48, 64)


@pytest.mark.parametrize("rotation", [0.0, 25.0])
def test_a_mirrored_crop_is_the_crop_of_the_mirrored_image(rotation):
    points, side = np.random.default_rng(0).uniform(0, 100, (1, 9, 2)), 101
    matrix = augmented_matrix(CENTRE, WIDTH, AffineDraw(scale=1.2, rotation=rotation, flip=True), SIZE)
    mirrored_centre, mirrored_points = ([side - 1, 0] + values * [-1, 1] for values in (CENTRE, points))
    plain = crop_matrices(mirrored_centre[None], np.array([1.2 * WIDTH]), size=SIZE, rotations=np.array([-rotation]))
    np.testing.assert_allclose(apply_affine(matrix[None], points), apply_affine(plain, mirrored_points))


@pytest.mark.parametrize("flip", [False, True])
def test_the_centre_lands_on_the_middle(flip):
    matrix = augmented_matrix(CENTRE, WIDTH, AffineDraw(scale=0.8, rotation=10.0, flip=flip), SIZE)
    np.testing.assert_allclose(matrix @ [*CENTRE, 1], np.array(SIZE) / 2)
