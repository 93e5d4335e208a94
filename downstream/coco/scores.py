"""COCO's keypoint scores of results files, which pycocotools computes. No torch."""

import contextlib
import io
from pathlib import Path
from typing import Any

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from downstream.coco.annotations import read_annotations
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
    content, results = _renumbered(read_annotations(annotations), results)
    with contextlib.redirect_stdout(io.StringIO()):  # pycocotools prints its progress
        truth = _indexed(content)
        # loadRes fails on an empty list.
        found = truth.loadRes(results) if results else _indexed({**content, "annotations": []})
        evaluation = COCOeval(truth, found, "keypoints")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    statistics = {
        name: None if value < 0 else 100 * float(value)
        for name, value in zip(STATISTICS, evaluation.stats, strict=True)
    }
    return {**statistics, "mean_oks": _mean_oks(evaluation)}


def _renumbered(content: dict[str, Any], results: list[dict[str, Any]]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Both with ids from 1 on, in the order of the images' own, which decides between equal scores.

    pycocotools sorts ids in numpy, which rounds those beyond 64 bits, and takes the person 0 for nobody.
    """
    number = {image_id: n for n, image_id in enumerate(sorted(image["id"] for image in content["images"]), start=1)}
    images = [{**image, "id": number[image["id"]]} for image in content["images"]]
    people = [
        {**person, "id": n, "image_id": number[person["image_id"]]}
        for n, person in enumerate(content["annotations"], start=1)
    ]
    found = [{**result, "image_id": number[result["image_id"]]} for result in results]
    return {**content, "images": images, "annotations": people}, found


def _mean_oks(evaluation: COCOeval) -> float | None:
    """In percent; None without annotated people. Crowds and people without keypoints don't count."""
    best = []
    for image_and_category, similarities in evaluation.ious.items():
        people = evaluation._gts[image_and_category]  # the columns of the similarities, a row for each detection
        highest = similarities.max(axis=0) if len(similarities) else np.zeros(len(people))
        best += [value for value, person in zip(highest, people, strict=True) if not person["ignore"]]
    return 100 * float(np.mean(best)) if best else None


def _indexed(content: dict[str, Any]) -> COCO:
    """What `COCO` makes of a file, from content that is read and checked already."""
    coco = COCO()
    coco.dataset = content
    coco.createIndex()
    return coco
