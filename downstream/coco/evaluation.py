"""The COCO protocol around any keypoint predictor: both kinds of boxes, rescoring, suppression, scores. No torch."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from downstream.coco.reader import AnnotatedPeople, PersonBoxes, annotation_path, read_detections, read_people
from downstream.coco.recipe import Coco2D
from downstream.coco.rescoring import oks_nms, rescored
from downstream.coco.scores import results_of, score, write_predictions
from downstream.samples.people import People

Predictor = Callable[[People], tuple[np.ndarray, np.ndarray]]
"""People to their joints (N, 17, 2) in px of the pictures and the joints' confidences (N, 17)."""


@dataclass(frozen=True)
class TestBoxes:
    """What the val split is tested on: the annotated people, and a detector's boxes where the file is there."""

    __test__ = False  # not a pytest class

    annotations: Path
    annotated: AnnotatedPeople
    detected: PersonBoxes | None


def read_test(root: Path) -> TestBoxes:
    """Read the val split. Raises `InputError` for what is missing or damaged."""
    return TestBoxes(annotation_path(root, "val"), read_people(root, "val"), read_detections(root))


def evaluate(predict: Predictor, test: TestBoxes, recipe: Coco2D, out: Path | None) -> dict[str, Any]:
    """Predict and score on all boxes; the detector's give the headline where there are any.

    Args:
        predict: the predictor.
        test: the val split.
        recipe: crops, and how people are scored.
        out: folder for ``predictions.json``, the headline's, and ``predictions_gt_boxes.json``, those in annotated
            boxes where they are not the headline's; None writes none.

    Returns:
        What metrics.json holds: what `scores.score` gives of the headline, ``boxes`` which says whose they are,
        ``ground_truth_boxes`` with those in annotated boxes, and ``samples``, the annotated people.
    """
    in_annotated = _predicted(predict, test.annotated.boxes, recipe)
    annotated_scores = score(test.annotations, in_annotated)
    samples = {"samples": len(test.annotated)}
    if test.detected is None:
        if out is not None:
            write_predictions(out / "predictions.json", in_annotated)
        return {**annotated_scores, "boxes": "ground_truth", **samples}
    in_detected = _predicted(predict, test.detected, recipe)
    if out is not None:
        write_predictions(out / "predictions_gt_boxes.json", in_annotated)
        write_predictions(out / "predictions.json", in_detected)
    headline = score(test.annotations, in_detected)
    return {**headline, "boxes": "detector", "ground_truth_boxes": annotated_scores, **samples}


def _predicted(predict: Predictor, boxes: PersonBoxes, recipe: Coco2D) -> list[dict[str, Any]]:
    """Predictions in ``boxes`` as COCO results: rescored, and of similar people only the best."""
    people = boxes.people((recipe.input_width, recipe.input_height), recipe.box_scale)
    joints, confidences = predict(people)
    scores = rescored(boxes.scores, confidences, recipe.keypoint_threshold)
    areas = people.widths**2 * recipe.input_height / recipe.input_width
    kept = oks_nms(joints, scores, areas, boxes.image_ids, recipe.nms_similarity)
    return results_of(boxes.image_ids[kept], joints[kept], confidences[kept], scores[kept])
