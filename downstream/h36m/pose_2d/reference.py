"""The mean-pose predictor of Human3.6M 2D pose, the JDR without a look at the image, and the JDR's bound. No torch."""

from pathlib import Path
from typing import Any

from downstream.h36m.pose_2d.reader import read_h36m_2d
from downstream.h36m.pose_2d.scores import score
from downstream.h36m.shared.recipe import H36M2D
from downstream.heatmap_pose.mean_keypoints import mean_keypoints
from downstream.heatmap_pose.nearest_cells import nearest_joints


def reference_scores(recipe: H36M2D, data: Path) -> dict[str, Any]:
    """Scores of a predictor that places the training split's mean joints in every crop."""
    size = (recipe.input_width, recipe.input_height)
    train = read_h36m_2d(data, "train", recipe.train_stride).labelled(size, recipe.box_scale)
    truth = read_h36m_2d(data, "test", recipe.test_stride)
    predicted = mean_keypoints(train, truth.labelled(size, recipe.box_scale).people, size)
    return {**score(predicted, truth, recipe.head_size), "predictor": "mean_keypoints"}


def bound_scores(recipe: H36M2D, data: Path) -> dict[str, Any]:
    """Scores of the true joints where heatmaps can put them."""
    truth = read_h36m_2d(data, "test", recipe.test_stride)
    regions = truth.labelled((recipe.input_width, recipe.input_height), recipe.box_scale).people
    return score(nearest_joints(truth.joints, regions, recipe, offset=False), truth, recipe.head_size)
