"""From keypoints in boxes to scored people: box score times keypoint score, then OKS-NMS. No torch."""

from collections.abc import Callable
from typing import Any

import numpy as np

from downstream.coco.keypoints import OKS_SIGMAS
from downstream.coco.reader import PersonBoxes
from downstream.coco.recipe import Coco2D
from downstream.coco.results import results_of
from downstream.samples.people import People

Predictor = Callable[[People], tuple[np.ndarray, np.ndarray]]
"""People to their joints (N, 17, 2) in px of the images and the joints' confidences (N, 17)."""


def predicted_results(predict: Predictor, boxes: PersonBoxes, recipe: Coco2D) -> list[dict[str, Any]]:
    """Predictions in ``boxes`` as COCO results: rescored, and only the best of similar people."""
    people = boxes.people((recipe.input_width, recipe.input_height), recipe.box_scale)
    joints, confidences = predict(people)
    scores = rescored(boxes.scores, confidences, recipe.keypoint_threshold)
    areas = people.widths**2 * recipe.input_height / recipe.input_width
    kept = oks_nms(joints, scores, areas, boxes.image_ids, recipe.nms_similarity)
    return results_of(boxes.image_ids[kept], joints[kept], confidences[kept], scores[kept])


def rescored(box_scores: np.ndarray, confidences: np.ndarray, threshold: float) -> np.ndarray:
    """Box score (N,) times the mean of the keypoints' confidences (N, J) above ``threshold``; 0 if there are none."""
    counted = confidences > threshold
    return box_scores * (confidences * counted).sum(axis=1) / np.maximum(counted.sum(axis=1), 1)


def oks_nms(
    joints: np.ndarray, scores: np.ndarray, areas: np.ndarray, image_ids: np.ndarray, threshold: float
) -> np.ndarray:
    """Which people to keep, (N,) bool: those with no better one in their image that is more similar than ``threshold``.

    Args:
        joints: (N, 17, 2) px; all of them are compared.
        scores: (N,); of equal scores the first is better.
        areas: (N,) square px, which distances are relative to; the published code takes the crop's.
        image_ids: (N,); an image's people follow each other.
    """
    kept = np.zeros(len(scores), dtype=bool)
    borders = np.flatnonzero(np.diff(image_ids)) + 1
    for rows in np.split(np.arange(len(scores)), borders):
        rows = rows[np.argsort(-scores[rows], kind="stable")]
        similar = _similarities(joints[rows], areas[rows]) > threshold
        alive = np.ones(len(rows), dtype=bool)
        for place in range(len(rows)):
            if alive[place]:
                alive[place + 1 :] &= ~similar[place, place + 1 :]
        kept[rows] = alive
    return kept


def _similarities(joints: np.ndarray, areas: np.ndarray) -> np.ndarray:
    """Object keypoint similarity of every two of n people, (n, n)."""
    distances = ((joints[:, None] - joints[None]) ** 2).sum(axis=3)  # (n, n, 17)
    sizes = (areas[:, None] + areas[None]) / 2
    return np.exp(-distances / (2 * (2 * OKS_SIGMAS) ** 2 * sizes[..., None])).mean(axis=2)
