"""PCKh on MPII of the mean-keypoints predictor, which doesn't look at the image. No torch."""

from pathlib import Path
from typing import Any

from downstream.heatmap_pose.mean_keypoints import mean_keypoints
from downstream.mpii.reader import read_mpii, to_people
from downstream.mpii.recipe import Mpii
from downstream.mpii.scores import score
from downstream.mpii.truth import check_same_people, read_truth, truth_path


def reference_scores(recipe: Mpii, data: Path) -> dict[str, Any]:
    """Scores of the joints' mean places in the training crops; the keys of metrics.json."""
    train, valid = (read_mpii(data, split) for split in ("train", "valid"))
    truth = read_truth(truth_path(data))
    check_same_people(truth, valid)
    size = recipe.input_width, recipe.input_height
    regions = to_people(valid, recipe.box_scale).people
    return score(mean_keypoints(to_people(train, recipe.box_scale), regions, size), truth)
