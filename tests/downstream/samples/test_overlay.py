"""Drawn joints and bones: where they belong, in the side's colour, on a copy."""

import numpy as np

from downstream.samples.overlay import draw_keypoints

BLUE, RED, GREY = (31, 119, 180), (214, 39, 40), (68, 68, 68)
BONES, SIDES = ((0, 1), (1, 2)), ("l", "l", "r", "trunk")


def test_joints_and_bones_in_the_colour_of_their_side():
    image = np.full((64, 64, 3), 255, np.uint8)
    joints = np.array([[10, 10], [10, 50], [50, 50], [50, 10.0]])
    drawn = draw_keypoints(image, joints, np.array([True, True, True, True]), BONES, SIDES)
    assert (image == 255).all()
    for (x, y), colour in (((10, 10), BLUE), ((50, 50), RED), ((50, 10), GREY), ((10, 30), BLUE), ((30, 50), GREY)):
        assert np.abs(drawn[y, x].astype(int) - colour).max() < 25
    hidden = draw_keypoints(image, joints, np.array([True, False, True, False]), BONES, SIDES)
    assert (hidden[30, 10] == 255).all() and (hidden[10, 50] == 255).all()


def test_joints_far_outside_do_no_harm():
    image = np.zeros((32, 32, 3), np.uint8)
    joints = np.array([[5.0, 5.0], [1e12, -1e12], [-3.0, 40.0], [0.0, 0.0]])
    drawn = draw_keypoints(image, joints, np.ones(4, dtype=bool), BONES, SIDES)
    assert drawn.shape == image.shape and drawn.any()
