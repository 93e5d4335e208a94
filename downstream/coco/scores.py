"""COCO's keypoint scores, and results files in COCO's format. pycocotools does the counting. No torch."""

import contextlib
import copy
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from downstream.coco.annotations import PERSON, check_integers, read_annotations
from downstream.coco.keypoints import NAMES
from downstream.reading.annotation_entries import check_all, numbers
from liftedcl.files.atomic import read_json, write_text
from liftedcl.identity.errors import InputError

STATISTICS = ("ap", "ap50", "ap75", "ap_m", "ap_l", "ar", "ar50", "ar75", "ar_m", "ar_l")
"""COCOeval's ten numbers, in its order: over OKS 0.5 to 0.95, at 0.5, at 0.75, of medium and of large people."""

_REMEDY = "it has to be a COCO results file of keypoints, such as python -m downstream.finetune writes"


def score(annotations: Path, results: list[dict[str, Any]]) -> dict[str, float | None]:
    """OKS AP and AR in percent, with at most 20 people an image, over all images of ``annotations``.

    Args:
        annotations: ``person_keypoints_*.json``.
        results: as `read_predictions` gives them.

    Returns:
        `STATISTICS`; None where no annotated person is of that size. And ``mean_oks``, which is our own: the mean
        over the annotated people of the best OKS that anybody found in the picture has with them. It tells apart what
        is too weak for a precision.

    Raises:
        InputError: annotations that are missing or damaged.
    """
    content = read_annotations(annotations)
    with contextlib.redirect_stdout(io.StringIO()):  # pycocotools tells its progress
        truth = _indexed(content)
        nobody = {**content, "annotations": []}  # loadRes can't tell it from nothing
        found = truth.loadRes(copy.deepcopy(results)) if results else _indexed(nobody)
        evaluation = COCOeval(truth, found, "keypoints")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    statistics = {
        name: None if value < 0 else 100 * float(value)
        for name, value in zip(STATISTICS, evaluation.stats, strict=True)
    }
    return {**statistics, "mean_oks": _mean_oks(evaluation)}


def _mean_oks(evaluation: COCOeval) -> float | None:
    """In percent; None where nobody is annotated. Crowds and people without keypoints don't count."""
    best = []
    for image_and_category, similarities in evaluation.ious.items():
        people = evaluation._gts[image_and_category]  # the columns of the similarities, a row for each detection
        highest = similarities.max(axis=0) if len(similarities) else np.zeros(len(people))
        best += [value for value, person in zip(highest, people, strict=True) if not person["ignore"]]
    return 100 * float(np.mean(best)) if best else None


def results_of(
    image_ids: np.ndarray, joints: np.ndarray, confidences: np.ndarray, scores: np.ndarray
) -> list[dict[str, Any]]:
    """People in COCO's results format.

    Args:
        image_ids: (N,).
        joints: (N, 17, 2) px; kept to a thousandth.
        confidences: of the keypoints, (N, 17); the field's tools ignore them.
        scores: of the people, (N,).
    """
    keypoints = np.concatenate([joints.round(3), confidences[..., None].round(5)], axis=2).reshape(len(joints), -1)
    return [
        {"image_id": image_id, "category_id": PERSON, "keypoints": values, "score": value}
        for image_id, values, value in zip(image_ids.tolist(), keypoints.tolist(), scores.tolist(), strict=True)
    ]


def write_predictions(path: Path, results: list[dict[str, Any]]) -> None:
    """Write a results file, atomically; without white space, which would double the 100 MB of a detector's boxes."""
    write_text(path, json.dumps(results, separators=(",", ":"), allow_nan=False))


def read_predictions(path: Path, annotations: Path) -> list[dict[str, Any]]:
    """Read a results file for the images of ``annotations``: of each entry what pycocotools counts, and nothing else.

    Where the first entry has a ``bbox``, pycocotools takes everybody's size from it, and from the keypoints otherwise.

    Raises:
        InputError: missing, damaged, misshapen or not finite, not of people, or made for other images.
    """
    results = read_json(path, _REMEDY)
    if not isinstance(results, list) or not all(isinstance(entry, dict) for entry in results):
        raise InputError(f"{path}: is not a list of objects; {_REMEDY}")
    if not results:
        return []

    def column(key: str, *shape: int) -> np.ndarray:
        return numbers(lambda i: results[i][key], key, shape, len(results), path, _REMEDY)

    keys = ["image_id", "category_id", "keypoints", "score"]
    column("keypoints", 3 * len(NAMES))
    column("score")
    check_all(column("category_id") == PERSON, f"category_id is not {PERSON}, person", path, _REMEDY)
    if results[0].get("bbox"):  # other keys would make it take keypoints for captions or masks
        column("bbox", 4)
        keys.append("bbox")
    check_integers(results, "image_id", path, _REMEDY)
    known = {image["id"] for image in read_annotations(annotations)["images"]}
    there = np.array([entry["image_id"] in known for entry in results])
    check_all(there, f"image_id is of no image of {annotations}", path, _REMEDY)
    return [{key: entry[key] for key in keys} for entry in results]


def _indexed(content: dict[str, Any]) -> COCO:
    """As `COCO` reads a file, from what is read and checked already."""
    coco = COCO()
    coco.dataset = content
    coco.createIndex()
    return coco
