"""LIP's classes and what mirroring does to them."""

import cv2
import numpy as np

from downstream.lip.labels import CLASSES, FLIP_PAIRS, IGNORED, PALETTE, swap_sides
from synthetic.people import garments


def test_classes_are_those_the_renderer_labels():
    names = {getattr(garments, name.upper().replace("JUMPSUITS", "JUMPSUIT")): name for name in CLASSES}
    assert names == dict(enumerate(CLASSES))


def test_flip_pairs_are_all_classes_with_a_side():
    sided = {i: name for i, name in enumerate(CLASSES) if name.startswith(("left_", "right_"))}
    assert sorted(sided) == sorted(i for pair in FLIP_PAIRS for i in pair)
    for left, right in FLIP_PAIRS:
        assert sided[left].removeprefix("left_") == sided[right].removeprefix("right_")


def test_mirroring_twice_changes_nothing_and_ignored_pixels_stay_ignored():
    labels = np.random.default_rng(0).choice([*range(20), IGNORED], (3, 7, 9)).astype(np.uint8)
    mirrored = swap_sides(labels[..., ::-1])
    assert mirrored.dtype == np.uint8 and not np.array_equal(mirrored, labels)
    np.testing.assert_array_equal(swap_sides(mirrored[..., ::-1]), labels)
    np.testing.assert_array_equal(mirrored == IGNORED, labels[..., ::-1] == IGNORED)


def test_every_class_has_a_colour_of_its_own():
    assert PALETTE.shape == (20, 3) and len({tuple(colour) for colour in PALETTE.tolist()}) == 20


def test_a_real_pair_of_a_label_map_and_its_mirror_image(realdata):
    """CIHP ships both, with the same three pairs of classes as LIP."""
    folder = realdata("cihp/graphonomy_1img")
    plain, mirrored = (
        cv2.imread(str(folder / name / "0000002.png"), cv2.IMREAD_UNCHANGED)
        for name in ("Category_ids", "Category_rev_ids")
    )
    assert {14, 15} <= set(np.unique(plain))
    np.testing.assert_array_equal(swap_sides(plain[:, ::-1]), mirrored)
    assert not np.array_equal(plain[:, ::-1], mirrored)
