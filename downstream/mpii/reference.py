"""PCKh on MPII of the mean-keypoints predictor, which doesn't look at the image, and its bound. No torch."""

from pathlib import Path
from typing import Any

from downstream.heatmap_pose.mean_keypoints import mean_keypoints
from downstream.heatmap_pose.nearest_cells import nearest_joints
from downstream.mpii.reader import read_mpii, to_people
from downstream.mpii.recipe import Mpii
from downstream.mpii.scores import score
from downstream.mpii.truth import MpiiTruth, check_same_people, read_truth, truth_path
from downstream.samples.people import People


def reference_scores(recipe: Mpii, data: Path) -> dict[str, Any]:
    """Scores of the joints' mean places in the training crops; the keys of metrics.json."""
    regions, truth = _validation(recipe, data)
    train = to_people(read_mpii(data, "train"), recipe.box_scale)
    return score(mean_keypoints(train, regions, (recipe.input_width, recipe.input_height)), truth)


def bound_scores(recipe: Mpii, data: Path) -> dict[str, Any]:
    """Scores of the true joints where heatmaps can put them; the keys of metrics.json."""
    regions, truth = _validation(recipe, data)
    return score(nearest_joints(truth.joints, regions, recipe, offset=True), truth)


def _validation(recipe: Mpii, data: Path) -> tuple[People, MpiiTruth]:
    valid, truth = read_mpii(data, "valid"), read_truth(truth_path(data))
    check_same_people(truth, valid)
    return to_people(valid, recipe.box_scale).people, truth
