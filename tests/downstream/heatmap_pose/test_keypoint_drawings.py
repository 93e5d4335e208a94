"""Drawings of keypoints: predictions in their crops."""

import numpy as np

from downstream.heatmap_pose.keypoint_drawings import predicted_keypoints
from downstream.samples.people import People
from synthetic.generation import write_jpeg

RED, BONES, SIDES = (214, 39, 40), ((0, 1), (1, 2)), ("l", "l", "r", "trunk")


def test_predictions_are_drawn_in_their_crops(tmp_path):
    """A joint at a person's own dot hides it, whatever the crop's size and place."""
    rng = np.random.default_rng(0)
    centres, widths = rng.uniform(40, 120, (15, 2)), rng.uniform(30, 60, 15)
    for n, (x, y) in enumerate(centres.round().astype(int)):
        picture = np.full((160, 160, 3), 90, np.uint8)
        picture[y - 1 : y + 2, x - 1 : x + 2] = (0, 255, 0)
        write_jpeg(tmp_path / f"{n}.jpg", picture)
    people = People(tmp_path, [f"{n}.jpg" for n in range(15)], np.full((15, 2), 160), centres, widths)
    joints = np.repeat(centres.round()[:, None], 4, axis=1)
    crops = predicted_keypoints(people, joints, np.arange(4) == np.full((15, 1), 2), (48, 64), BONES, SIDES)
    assert crops.shape == (12, 256, 192, 3)
    reddish = (np.abs(crops.astype(int) - RED) < 12).all(axis=3)
    for mask in reddish:
        np.testing.assert_allclose(np.argwhere(mask).mean(axis=0), (128, 96), atol=4)
