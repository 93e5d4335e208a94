"""Keypoints in COCO's results format, which the field exchanges and pycocotools scores. No torch."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from downstream.coco.annotations import PERSON, read_annotations, whole_ids
from downstream.coco.keypoints import NAMES
from downstream.reading.entries import Entries
from liftedcl.files.atomic import read_json, write_text
from liftedcl.identity.errors import InputError

HEADLINE, IN_ANNOTATED_BOXES = "predictions.json", "predictions_gt_boxes.json"
"""The results that a run writes. The headline scores are of the first, in a detector's boxes where there are any, or
else the same as the second, which is in annotated boxes."""

_BEYOND = 0.5
"""A larger share of keypoints right of or below their images means that they are those of other images."""

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
    """Read a results file for the images of ``annotations``; of each entry only the keys that scores depend on.

    As in pycocotools, where the first entry has a ``bbox``, each person's size is taken from it, else from the joints.

    Raises:
        InputError: missing, damaged, misshapen or not finite, not of people, or made for other images.
    """
    results = read_json(path, _REMEDY)
    if not isinstance(results, list) or not all(isinstance(entry, dict) for entry in results):
        raise InputError(f"{path}: is not a list of objects; {_REMEDY}")
    if not results:
        return []

    entries = Entries(path, _REMEDY, range(len(results)))
    keys = ["image_id", "category_id", "keypoints", "score"]
    keypoints = entries.numbers(lambda i: results[i]["keypoints"], "keypoints", (3 * len(NAMES),))
    entries.numbers(lambda i: results[i]["score"], "score")
    persons = entries.numbers(lambda i: results[i]["category_id"], "category_id") == PERSON
    entries.check(persons, f"category_id is not {PERSON}, person")
    if results[0].get("bbox"):  # other keys would make it take keypoints for captions or masks
        boxes = entries.numbers(lambda i: results[i]["bbox"], "bbox", (4,))
        entries.check((boxes[:, 2:] >= 0).all(axis=1), "bbox has a negative width or height")
        keys.append("bbox")
    ids = whole_ids(results, "image_id", entries)
    sizes = {image["id"]: (image["width"], image["height"]) for image in read_annotations(annotations)["images"]}
    there = np.array([image_id in sizes for image_id in ids])
    entries.check(there, f"image_id is not the id of an image of {annotations}")
    entries.finish()
    _check_inside(keypoints.reshape(len(ids), -1, 3)[..., :2], np.array([sizes[image_id] for image_id in ids]), path)
    return [{**{key: entry[key] for key in keys}, "image_id": i} for entry, i in zip(results, ids, strict=True)]


def _check_inside(keypoints: np.ndarray, sizes: np.ndarray, path: Path) -> None:
    """Refuse keypoints (N, 17, 2) that can't be in px of their images, whose width and height are ``sizes`` (N, 2)."""
    beyond = (keypoints > sizes[:, None]).any(axis=2)  # before 0 are also those that a tool leaves at 0 and moves
    if beyond.mean() > _BEYOND:
        raise InputError(
            f"{path}: {beyond.mean():.0%} of all keypoints are beyond their images: they are in px of larger images or "
            f"of turned ones; write them in px of the annotated image; {_REMEDY}"
        )
    if np.abs(keypoints).max() <= 1:
        raise InputError(f"{path}: all keypoints are from 0 to 1: write them in px of the annotated image; {_REMEDY}")
