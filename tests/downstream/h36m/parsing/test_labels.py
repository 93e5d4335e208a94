"""The 25 parts: values, order and mirror pairs as published, and the colours of figures."""

import numpy as np
import pytest

from downstream.h36m.parsing.labels import CLASSES, FLIP_PAIRS, LABELS, VALUE_OF, VALUES, classes_of

PUBLISHED_PAIRS = {(1, 6), (2, 7), (3, 8), (17, 25), (18, 26), (19, 27), (33, 38), (34, 39), (49, 56), (50, 58)}


def test_values_and_mirror_pairs_are_the_published_ones():
    assert list(VALUES) == [0, 1, 2, 3, 6, 7, 8, 17, 18, 19, 25, 26, 27, 32, 33, 34, 38, 39, 43, 44, 46, 49, 50, 56, 58]
    assert {tuple(sorted(VALUE_OF[list(pair)].tolist())) for pair in FLIP_PAIRS} == PUBLISHED_PAIRS


def test_mirroring_exchanges_each_left_with_its_right():
    swapped = LABELS.swap_sides(np.arange(25, dtype=np.uint8))
    for n, part in enumerate(CLASSES):
        side = {"left": "right", "right": "left"}.get(part.split("_")[0])
        assert CLASSES[swapped[n]] == (part if side is None else f"{side}_{part.split('_')[1]}")
    assert LABELS.swap_sides(np.array([255], np.uint8)) == 255


@pytest.mark.parametrize("kind", [np.uint8, np.int16, np.float64])
def test_matrices_of_any_numbers_become_classes(kind):
    np.testing.assert_array_equal(classes_of(VALUE_OF.astype(kind)[None]), np.arange(25)[None])


@pytest.mark.parametrize("value", [4, 5, 59, 255, 256 + 1, -1, 1.5, np.nan])
def test_a_value_of_no_part_is_none(value):
    with np.errstate(invalid="ignore"):
        assert classes_of(np.array([[0, value]])) is None


def test_every_part_has_a_colour_of_its_own():
    assert len({tuple(colour) for colour in LABELS.palette.tolist()}) == 25
