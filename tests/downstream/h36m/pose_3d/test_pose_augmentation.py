"""The noise rectangle of RLE's augmentation: its size and place, and that a part of the image is enough to draw it."""

import numpy as np
import pytest

from downstream.h36m.pose_3d.pose_augmentation import amplify, coverable, draw_noise, draw_rectangle
from downstream.reading.frames import Region


def covered(region, box, seed, share=0.7):
    """The pixels of a region with its noise."""
    rng, pixels = np.random.default_rng(seed), region.pixels.copy()
    noise = draw_noise(draw_rectangle(region, np.array(box, float), share, rng), rng)
    if noise is not None:
        height, width, _ = noise.pixels.shape
        pixels[noise.top : noise.top + height, noise.left : noise.left + width] = noise.pixels
    return pixels


def noise_of(size, box, seed, share=0.7):
    """Rows and columns of a rectangle on a black image (width, height); one pixel of 16 million stays black."""
    black = Region.whole(np.zeros((*size[::-1], 3), np.uint8))
    return np.argwhere(covered(black, box, seed, share).any(axis=2))


@pytest.mark.parametrize("seed", range(40))
def test_the_coverable_part_is_covered_as_the_whole_image_is(seed):
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 256, (120, 160, 3), dtype=np.uint8)
    box = np.concatenate([rng.uniform(-10, 80, 2), rng.uniform(90, 140, 2)])  # of MPII, may reach out of the image
    whole = covered(Region.whole(image), box, seed)
    part = coverable(box[None], 0.7)[0]
    low = np.maximum(np.floor(part[:2]), 0).astype(int)
    high = np.minimum(np.ceil(part[2:]), (160, 120)).astype(int)
    region = Region(image[low[1] : high[1], low[0] : high[0]], low, high - low)
    assert (whole != image).any()
    region = covered(region, box, seed)
    assert np.array_equal(region, whole[low[1] : high[1], low[0] : high[0]])
    whole[low[1] : high[1], low[0] : high[0]] = image[low[1] : high[1], low[0] : high[0]]
    assert np.array_equal(whole, image)  # nothing outside that part


def test_it_covers_up_to_a_share_of_the_box_and_may_be_longer_than_it():
    """Far from the borders none is drawn again: area uniform in [0, 0.7] of the box's, aspect in [0.3, 1 / 0.3]."""
    box = (250, 200, 310, 300)
    shares, aspects, wider = [], [], 0
    for seed in range(1500):
        pixels = noise_of((560, 500), box, seed)
        if not len(pixels):
            continue
        height, width = np.ptp(pixels, axis=0) + 1
        shares.append(width * height / 6000)
        if min(width, height) > 15:
            aspects.append(height / width)
        wider += width > 60
        assert pixels[:, 1].min() <= 310 and pixels[:, 1].max() >= 250 and len(pixels) >= width * height - 1
    assert 0.32 < np.mean(shares) < 0.36 and 0.65 < max(shares) <= 0.7
    assert min(aspects) > 0.27 and max(aspects) < 3.7
    assert wider > 100


def test_a_rectangle_that_leaves_the_image_is_drawn_again():
    """In a box as large as the image no rectangle can be longer than it, so those that remain are less elongated."""
    everywhere = [noise_of((60, 100), (0, 0, 59, 99), seed) for seed in range(600)]
    spans = np.array([np.ptp(pixels, axis=0) + 1 for pixels in everywhere if len(pixels)])
    assert len(spans) > 590  # none is left out because it did not fit
    assert spans[:, 1].max() <= 59 and spans[:, 0].max() <= 99
    assert np.mean([span.prod() for span in spans]) < 0.32 * 6000  # large ones fit less often


def test_a_person_outside_the_image_is_not_covered():
    assert not len(noise_of((60, 100), (-50, 10, -20, 80), 0))


def test_in_a_resized_region_it_is_where_it_would_be():
    """Of half the size, the rectangle has half the sides, to a pixel of rounding."""
    box, size = np.array([20.0, 30.0, 300.0, 400.0]), np.array([400, 500])
    for seed in range(20):
        whole, half = (
            covered(Region(np.zeros((side[1], side[0], 3), np.uint8), np.zeros(2, int), size), box, seed).any(axis=2)
            for side in (size, size // 2)
        )
        (low, high), (small_low, small_high) = (
            (found.min(axis=0), found.max(axis=0) + 1) for found in (np.argwhere(whole), np.argwhere(half))
        )
        assert np.abs(low / 2 - small_low).max() <= 1 and np.abs(high / 2 - small_high).max() <= 1


def test_gains_are_those_of_each_pixel_by_itself():
    crop = np.random.default_rng(0).integers(0, 256, (40, 30, 3), dtype=np.uint8)
    gain = np.array([0.8, 1.0, 1.2])
    expected = np.clip(crop * gain.astype(np.float32) + 0.5, 0, 255).astype(np.uint8)
    assert np.array_equal(amplify(crop, gain), expected)


def test_noise_is_what_the_generator_draws_pixel_by_pixel():
    noise = draw_noise((3, 5, 20, 12), np.random.default_rng(0)).pixels
    assert np.array_equal(noise, np.random.default_rng(0).integers(0, 256, (7, 17, 3), dtype=np.uint8))
