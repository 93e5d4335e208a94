"""Whole frames in training: image and labels stay together, mirrored people's sides change, padding is ignored."""

import dataclasses

import numpy as np
import pytest
from tiny.parsing.h36m_parsing import COLOURS, RECIPE, parts

from downstream.h36m.parsing.labels import CLASSES, FLIP_PAIRS
from downstream.h36m.parsing.whole_frame import augmented, stretched, stretched_labels

LEFT, RIGHT = np.array(FLIP_PAIRS).T


def sample(labels, size, seed=0, image=None, **changes):
    recipe = dataclasses.replace(RECIPE.augmentation, **changes)
    image = COLOURS[labels] if image is None else image
    return augmented(image, labels, recipe, size, np.random.default_rng(seed))


@pytest.mark.parametrize("flip", [0.0, 1.0])
def test_at_scale_1_a_frame_of_the_inputs_size_stays_as_it_is_or_is_its_mirror_image(flip):
    labels = parts(40, 40, seed=1)
    image, found = sample(labels, 40, scale_limits=(1.0, 1.0), flip=flip)
    way = slice(None, None, -1 if flip else 1)
    np.testing.assert_array_equal(image, COLOURS[labels][:, way])
    expected = labels[:, way].copy()
    if flip:
        for left, right in FLIP_PAIRS:
            expected[labels[:, way] == left], expected[labels[:, way] == right] = right, left
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("seed", range(6))
def test_the_label_of_a_pixel_is_the_part_whose_colour_it_has(seed):
    """Away from borders between parts, where colours mix. A mirrored left hand looks like one and is called right."""
    labels = np.kron(np.random.default_rng(seed).integers(0, 25, (5, 5)), np.ones((16, 16))).astype(np.uint8)
    for flip in (0.0, 1.0):
        image, found = sample(labels, 64, seed, flip=flip)
        seen = np.abs(image[..., None, :].astype(int) - COLOURS).sum(-1)
        pure = (seen.min(-1) == 0) & (found != 255)
        assert pure.mean() > 0.15
        part = seen.argmin(-1)
        if flip:
            part = np.select([part == k for k in (*LEFT, *RIGHT)], [*RIGHT, *LEFT], part)
        np.testing.assert_array_equal(found[pure], part[pure])


def test_a_smaller_frame_is_in_the_upper_left_corner_and_the_rest_is_black_and_ignored():
    labels = np.full((30, 60), CLASSES.index("head"), np.uint8)
    image, found = sample(labels, 40, scale_limits=(0.5, 0.5), flip=0.0)
    assert (found[:20, :20] == CLASSES.index("head")).all() and (
        image[:20, :20] == COLOURS[CLASSES.index("head")]
    ).all()
    found[:20, :20], image[:20, :20] = 255, 0
    assert (found == 255).all() and (image == 0).all()


def test_all_twelve_scales_and_all_places_of_a_crop_are_drawn():
    """A column of the frame, as wide as the crop's pixels are, says which scale and which place it is."""
    ramp = np.tile(np.arange(160, dtype=np.uint8), (160, 1))
    image = np.repeat(ramp[..., None], 3, axis=2)
    widths, firsts = set(), set()
    for seed in range(400):
        crop, labels = sample(np.zeros_like(ramp), 40, seed, image=image, flip=0.0)
        widths.add(int((labels[0] != 255).sum()))
        if abs(int(crop[0, 39, 0]) - int(crop[0, 0, 0]) - 39 * 160 / 64) < 2:  # scale 1.6
            firsts.add(int(crop[0, 0, 0]))
    assert widths == {20, 24, 28, 32, 36, 40} and len(firsts) > 12 and min(firsts) < 3 and max(firsts) > 57


def test_labels_are_never_interpolated():
    """The published evaluation does; between a foot (3) and a head (20) it would find other parts."""
    labels = np.array([[3, 20], [20, 3]], np.uint8)
    assert set(np.unique(stretched_labels(labels, 301, 173))) == {3, 20}
    assert set(np.unique(sample(np.kron(labels, np.ones((9, 9), np.uint8)), 50)[1])) <= {3, 8, 6, 20, 255}


def test_depth_is_never_interpolated():
    depth = np.zeros((10, 10, 1), np.float32)
    depth[:5] = 4.0
    assert set(np.unique(stretched(depth, 37))) == {0.0, 4.0} and stretched(depth, 37).shape == (37, 37, 1)


def test_larger_labels_and_back_are_the_same():
    labels = parts(50, 40, seed=3)
    np.testing.assert_array_equal(stretched_labels(stretched_labels(labels, 100, 80), 50, 40), labels)
