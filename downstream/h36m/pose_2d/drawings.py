"""Pictures of Human3.6M's joints: predictions on test frames, targets on training samples."""

from pathlib import Path

import numpy as np

from downstream.h36m.pose_2d.reader import read_h36m_2d
from downstream.h36m.shared.mpii_mix import with_mix
from downstream.h36m.shared.prediction_file import PREDICTIONS, read_predictions
from downstream.h36m.shared.recipe import H36M2D
from downstream.heatmap_pose.keypoint_drawings import augmented_keypoints, predicted_keypoints
from liftedcl.skeletons.skeleton import BONES, FLIP_PAIRS, JOINTS, flip_order

_PAIRED = {joint for pair in FLIP_PAIRS for joint in pair}
SIDES = tuple(name[0] if j in _PAIRED else "trunk" for j, name in enumerate(JOINTS))
"""The side of each joint, as `downstream.samples.overlay` names sides."""


def examples(recipe: H36M2D, data: Path, run: Path) -> np.ndarray:
    """Up to 12 test crops (N, H, W, 3) uint8 RGB with the joints that the run predicted."""
    size = (recipe.input_width, recipe.input_height)
    test = read_h36m_2d(data, "test", recipe.test_stride)
    joints = read_predictions(run / PREDICTIONS, "joints", 2, test.names)
    people = test.labelled(size, recipe.box_scale).people
    return predicted_keypoints(people, joints, np.ones(joints.shape[:2], bool), size, BONES, SIDES)


def augmented_samples(recipe: H36M2D, *, data: Path, seed: int, count: int) -> np.ndarray:
    """Up to ``count`` training samples (N, H, W, 3) uint8 RGB of the first epoch with their targets drawn on them."""
    size = (recipe.input_width, recipe.input_height)
    train = read_h36m_2d(data, "train", recipe.train_stride)
    people = with_mix(train.labelled(size, recipe.box_scale), recipe.mpii, size)
    return augmented_keypoints(people, recipe, flip_order(), BONES, SIDES, seed=seed, count=count)
