"""COCO's keypoint scores of results files, which are pycocotools'. No torch."""

from pathlib import Path
from typing import Any

import numpy as np

from downstream.coco.annotations import read_annotations
from downstream.coco.keypoint_evaluation import Found, Truth, evaluate
from downstream.coco.keypoints import NAMES
from downstream.coco.reader import DETECTIONS, annotation_path, read_people
from downstream.coco.recipe import Coco2D
from downstream.coco.results import HEADLINE, IN_ANNOTATED_BOXES, read_predictions

STATISTICS = ("ap", "ap50", "ap75", "ap_m", "ap_l", "ar", "ar50", "ar75", "ar_m", "ar_l")
"""COCOeval's ten numbers, in its order: over OKS 0.5 to 0.95, at 0.5, at 0.75, of medium and of large people."""


def score_run(recipe: Coco2D, data: Path, run: Path) -> dict[str, Any]:
    """What metrics.json holds of a run's results; see `metrics_of`."""
    truth, detected = annotation_path(data, "val"), (data / DETECTIONS).exists()
    in_annotated = read_predictions(run / IN_ANNOTATED_BOXES, truth)
    return metrics_of(data, in_annotated, read_predictions(run / HEADLINE, truth) if detected else None)


def metrics_of(
    data: Path, in_annotated: list[dict[str, Any]], in_detected: list[dict[str, Any]] | None
) -> dict[str, Any]:
    """Scores of the results in annotated boxes, and of those in a detector's boxes where there are any.

    Returns:
        `score` of the results in the detector's boxes, or else of those in annotated boxes; ``boxes`` says which. Then
        ``ground_truth_boxes``, the scores in annotated boxes, and ``samples``, the number of annotated people.
    """
    truth = annotation_path(data, "val")
    annotated_scores, samples = score(truth, in_annotated), {"samples": len(read_people(data, "val"))}
    if in_detected is None:
        return {**annotated_scores, "boxes": "ground_truth", **samples}
    return {**score(truth, in_detected), "boxes": "detector", "ground_truth_boxes": annotated_scores, **samples}


def score(annotations: Path, results: list[dict[str, Any]]) -> dict[str, float | None]:
    """OKS AP and AR in percent, with at most 20 people an image, over all images of ``annotations``.

    Args:
        annotations: ``person_keypoints_*.json``.
        results: from `results.read_predictions`.

    Returns:
        `STATISTICS`; None where no annotated person is of that size. Also ``mean_oks``, which is our own: the mean over
        the annotated people of the best OKS that a result in the same image has with them. It separates results that
        are too weak for a precision above 0.

    Raises:
        InputError: annotations that are missing or damaged.
    """
    return score_content(read_annotations(annotations), results)


def score_content(content: dict[str, Any], results: list[dict[str, Any]]) -> dict[str, float | None]:
    """`score` of the ``content`` of an annotation file."""
    truth, numbers = _truth(content)
    found, best = evaluate(truth, _found(results, numbers))
    statistics = {name: None if value < 0 else 100 * value for name, value in zip(STATISTICS, found, strict=True)}
    return {**statistics, "mean_oks": 100 * float(best.mean()) if len(best) else None}


def _truth(content: dict[str, Any]) -> tuple[Truth, dict[int, int]]:
    """The annotated people, and the number of each image by its id, which may be beyond 64 bits, in their order."""
    numbers = {image_id: n for n, image_id in enumerate(sorted(image["id"] for image in content["images"]))}
    people = content["annotations"]
    columns = {key: np.array([one[key] for one in people]) for key in ("area", "bbox", "iscrowd", "num_keypoints")}
    crowds = columns["iscrowd"].astype(bool)
    truth = Truth(
        images=np.array([numbers[person["image_id"]] for person in people], int),
        keypoints=np.array([person["keypoints"] for person in people], float).reshape(-1, len(NAMES), 3),
        boxes=columns["bbox"].reshape(-1, 4),
        areas=columns["area"],
        crowds=crowds,
        ignored=crowds | (columns["num_keypoints"] == 0),
    )
    return truth, numbers


def _found(results: list[dict[str, Any]], numbers: dict[int, int]) -> Found:
    """Results in the images of ``numbers``; as in pycocotools, the first decides whether their boxes give the areas."""
    joints = np.array([result["keypoints"] for result in results], float).reshape(-1, len(NAMES), 3)[..., :2]
    if results and results[0].get("bbox"):
        sides = np.array([result["bbox"][2:] for result in results])
    else:
        sides = joints.max(axis=1) - joints.min(axis=1)
    return Found(
        images=np.array([numbers[result["image_id"]] for result in results], int),
        joints=joints,
        scores=np.array([result["score"] for result in results], float),
        areas=sides.prod(axis=1),
    )
