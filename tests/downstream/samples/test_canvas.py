"""Crops cut from what they see alone are those of the whole region, to the bit."""

import cv2
import numpy as np
import pytest

from downstream.reading.jpeg_parts import JpegPixels, encode
from downstream.samples.canvas import Canvas, Patch
from downstream.samples.crop import crop_matrices, seen_by, warp


@pytest.mark.parametrize("seed", range(30))
def test_a_crop_is_that_of_the_whole_region(seed):
    """Of any place, partly or wholly outside too; what an earlier crop has left in the memory is never seen."""
    rng = np.random.default_rng(seed)
    size, (height, width) = tuple(rng.integers(8, 120, 2).tolist()), rng.integers(1, 300, 2)
    pixels = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    canvas = Canvas(size)
    canvas.cut(rng.integers(0, 256, (320, 320, 3), dtype=np.uint8), np.array([[0.5, 0, 0], [0, 0.5, 0]]))
    (matrix,) = crop_matrices(rng.uniform(-0.2, 1.2, (1, 2)) * [width, height], rng.uniform(10, 400, 1), size=size,
                              rotations=rng.uniform(-180, 180, 1), flips=rng.random(1) < 0.5)  # fmt: skip
    assert np.array_equal(canvas.cut(pixels, matrix), warp(pixels, matrix, size))
    rows, columns = seen_by(matrix, size, pixels.shape)
    for margin in (4, 20):
        left, top = max(0, columns.start - margin), max(0, rows.start - margin)
        patch = Patch(left, top, rng.integers(0, 256, (min(9, height - top), min(30, width - left), 3), dtype=np.uint8))
        if patch.pixels.size:
            patched = pixels.copy()
            patched[top : top + 9, left : left + 30] = patch.pixels
            assert np.array_equal(canvas.cut(pixels, matrix, patch), warp(patched, matrix, size))


@pytest.mark.parametrize("size", [(1, 1), (16, 16), (17, 40), (33, 20), (203, 150)])
def test_a_part_of_a_jpeg_has_the_bits_of_the_whole(size):
    rng = np.random.default_rng(0)
    pixels = cv2.GaussianBlur(rng.integers(0, 256, (*size, 3), dtype=np.uint8), (0, 0), 1)
    content = np.frombuffer(encode(pixels), np.uint8)
    packed, whole = JpegPixels(content, pixels.shape), cv2.imdecode(content, cv2.IMREAD_COLOR_RGB)
    assert np.array_equal(packed[:, :], whole) and np.abs(whole.astype(int) - pixels).mean() < 12
    for _ in range(60):
        (top, bottom), (left, right) = (np.sort(rng.integers(0, side + 1, 2)).tolist() for side in size)
        assert np.array_equal(packed[top:bottom, left:right], whole[top:bottom, left:right])
