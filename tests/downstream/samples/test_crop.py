"""Crops that are shrunk without aliasing: where pixels land, what they average, and what is outside the picture."""

import numpy as np
import pytest

from downstream.reading.frames import Region
from downstream.samples.crop import crop_matrices, from_region, shrink, warp

SIZE = (40, 40)


@pytest.mark.parametrize("width", [130.0, 87.3, 41.0, 21.5])
def test_pixels_land_where_the_map_says(width):
    """In a picture whose red is x and whose green is y a crop's pixel shows the place that the map takes to it."""
    y, x = np.mgrid[:200, :240]
    picture = np.stack([x, y, np.zeros_like(x)], axis=2).astype(np.uint8)
    (matrix,) = crop_matrices(np.array([[110.4, 95.7]]), np.array([width]), size=SIZE)
    region = Region(picture[19:, 31:], np.array([31, 19]), np.array([209, 181]))
    crop = shrink(region.pixels, from_region(matrix, region), SIZE)
    places = (np.arange(40) - matrix[:, 2:]) * width / 40
    inner = slice(3, -3)
    np.testing.assert_allclose(crop[20, inner, 0], places[0, inner], atol=1)
    np.testing.assert_allclose(crop[inner, 20, 1], places[1, inner], atol=1)
    assert abs((crop[20, inner, 0] - places[0, inner]).mean()) < 0.3


def test_shrinking_averages_and_the_outside_is_black():
    """Stripes of a pixel become grey, not other stripes; there is nothing left of the picture, nor below it."""
    stripes = np.zeros((120, 120, 3), np.uint8)
    stripes[:, ::2] = 200
    (matrix,) = crop_matrices(np.array([[30.0, 90.0]]), np.array([120.0]), size=SIZE)
    crop = shrink(stripes, matrix, SIZE)
    assert np.ptp(warp(stripes, matrix, SIZE)[2:28, 12:]) == 200
    assert crop.shape == (40, 40, 3) and np.abs(crop[2:28, 12:].astype(int) - 100).max() < 15
    assert not crop[:, :8].any() and not crop[32:].any()


def test_nothing_is_averaged_where_nothing_shrinks():
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 256, (80, 80, 3), dtype=np.uint8)
    (matrix,) = crop_matrices(np.array([[50.0, 30.0]]), np.array([40.0]), size=SIZE)
    assert np.array_equal(shrink(picture, matrix, SIZE), picture[10:50, 30:70])
