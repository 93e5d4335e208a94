"""From keypoints in boxes to scored people: box score times keypoint score, then OKS-NMS. No torch."""

import numpy as np

from downstream.coco.keypoints import OKS_SIGMAS


def rescored(box_scores: np.ndarray, confidences: np.ndarray, threshold: float) -> np.ndarray:
    """Box score (N,) times the mean of the keypoints' confidences (N, J) above ``threshold``; 0 where none is."""
    counted = confidences > threshold
    return box_scores * (confidences * counted).sum(axis=1) / np.maximum(counted.sum(axis=1), 1)


def oks_nms(
    joints: np.ndarray, scores: np.ndarray, areas: np.ndarray, image_ids: np.ndarray, threshold: float
) -> np.ndarray:
    """Who stays, (N,) bool: in each image nobody is more similar than ``threshold`` to someone with a better score.

    Args:
        joints: (N, 17, 2) px; all of them are compared.
        scores: (N,); of equal ones the first is better.
        areas: what a distance is measured against, (N,) square px; the published code takes the crop's.
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
