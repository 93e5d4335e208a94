"""COCO scores of the mean-keypoints predictor; a fine-tuned encoder must beat them. No torch."""

from pathlib import Path
from typing import Any

import numpy as np

from downstream.coco.reader import read_detections, read_people
from downstream.coco.recipe import Coco2D
from downstream.coco.rescoring import predicted_results
from downstream.coco.scores import metrics_of
from downstream.heatmap_pose.mean_keypoints import mean_keypoints
from downstream.samples.people import People


def reference_scores(recipe: Coco2D, data: Path) -> dict[str, Any]:
    """The same keys as metrics.json, with every joint where it is on average in the training crops."""
    size = recipe.input_width, recipe.input_height
    train = read_people(data, "train").labelled(size, recipe.box_scale)

    def predict(people: People) -> tuple[np.ndarray, np.ndarray]:
        joints = mean_keypoints(train, people, size)
        return joints, np.ones(joints.shape[:2])

    boxes = read_people(data, "val").boxes, read_detections(data)
    return metrics_of(data, *(None if each is None else predicted_results(predict, each, recipe) for each in boxes))
