"""COCO scores of the mean-keypoints predictor, which a fine-tuned encoder must beat, and their bound. No torch."""

from pathlib import Path
from typing import Any

import numpy as np
from pycocotools import mask

from downstream.coco.reader import PersonBoxes, read_detections, read_people
from downstream.coco.recipe import Coco2D
from downstream.coco.rescoring import predicted_results
from downstream.coco.scores import metrics_of
from downstream.heatmap_pose.mean_keypoints import mean_keypoints
from downstream.heatmap_pose.nearest_cells import nearest_joints
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


def bound_scores(recipe: Coco2D, data: Path) -> dict[str, Any]:
    """The same keys, with every true joint where heatmaps can put it.

    A detector's box gets the joints of the person whose box it overlaps most, and this overlap as their confidence.
    """
    annotated, detected = read_people(data, "val"), read_detections(data)

    def results(boxes: PersonBoxes, owners: np.ndarray, overlaps: np.ndarray) -> list[dict[str, Any]]:
        def predict(people: People) -> tuple[np.ndarray, np.ndarray]:
            joints = nearest_joints(annotated.joints[owners], people, recipe, offset=True)
            return joints, np.broadcast_to(overlaps[:, None], joints.shape[:2])

        return predicted_results(predict, boxes, recipe)

    own = results(annotated.boxes, np.arange(len(annotated)), np.ones(len(annotated)))
    return metrics_of(data, own, None if detected is None else results(detected, *_owners(detected, annotated.boxes)))


def _owners(boxes: PersonBoxes, people: PersonBoxes) -> tuple[np.ndarray, np.ndarray]:
    """For each of ``boxes`` (N) the row of the person whose box it overlaps most, and the intersection over union."""
    owners, overlaps = np.zeros(len(boxes), dtype=int), np.zeros(len(boxes))
    # x, y, width, height; an annotated box ends at its last pixel, a detected one a pixel later
    found, true = (
        np.concatenate([of.boxes[:, :2], of.boxes[:, 2:] - of.boxes[:, :2] + last], axis=1)
        for of, last in ((boxes, 0), (people, 1))
    )
    for image in np.unique(people.image_ids):
        mine, theirs = np.flatnonzero(boxes.image_ids == image), np.flatnonzero(people.image_ids == image)
        if len(mine):
            shares = mask.iou(found[mine], true[theirs], np.zeros(len(theirs)))
            owners[mine], overlaps[mine] = theirs[shares.argmax(axis=1)], shares.max(axis=1)
    return owners, overlaps
