"""Keypoints in COCO's results format, which the field exchanges and pycocotools scores. No torch."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from downstream.coco.annotations import PERSON, check_integers, read_annotations
from downstream.coco.keypoints import NAMES
from downstream.reading.annotation_entries import check_all, numbers
from liftedcl.files.atomic import read_json, write_text
from liftedcl.identity.errors import InputError

HEADLINE, IN_ANNOTATED_BOXES = "predictions.json", "predictions_gt_boxes.json"
"""The results that a run writes. The headline scores are of the first, in a detector's boxes where there are any, or
else the same as the second, which is in annotated boxes."""

_REMEDY = "give a COCO results file of keypoints, such as python -m downstream.finetune writes"


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
    """Write a results file atomically, without white space, which would double the 100 MB of a detector's boxes."""
    write_text(path, json.dumps(results, separators=(",", ":"), allow_nan=False))


def read_predictions(path: Path, annotations: Path) -> list[dict[str, Any]]:
    """Read a results file for the images of ``annotations``; of each entry only the keys that pycocotools uses.

    Where the first entry has a ``bbox``, pycocotools takes each person's size from it, otherwise from the keypoints.

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
    check_all(there, f"image_id is not the id of an image of {annotations}", path, _REMEDY)
    return [{key: entry[key] for key in keys} for entry in results]
