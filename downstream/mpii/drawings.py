"""Draws MPII's joints: predictions on people of the validation split, targets on training samples."""

from pathlib import Path

import numpy as np

from downstream.heatmap_pose.keypoint_drawings import augmented_keypoints, predicted_keypoints
from downstream.mpii.joints import BONES, MIRRORED, SIDES
from downstream.mpii.predictions import PREDICTIONS, read_predictions
from downstream.mpii.reader import read_mpii, to_people
from downstream.mpii.recipe import Mpii


def examples(recipe: Mpii, data: Path, run: Path) -> np.ndarray:
    """Crops (<= 12, H, W, 3) of the validation split with all joints that the run predicted."""
    people = to_people(read_mpii(data, "valid"), recipe.box_scale).people
    joints = read_predictions(run / PREDICTIONS, len(people))
    size = recipe.input_width, recipe.input_height
    return predicted_keypoints(people, joints, np.ones(joints.shape[:2], bool), size, BONES, SIDES)


def augmented_samples(recipe: Mpii, *, data: Path, seed: int, count: int) -> np.ndarray:
    """Augmented training samples (count, H, W, 3) with their targets drawn on them."""
    train = to_people(read_mpii(data, "train"), recipe.box_scale)
    return augmented_keypoints(train, recipe, MIRRORED, BONES, SIDES, seed=seed, count=count)
