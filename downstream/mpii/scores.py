"""PCKh on MPII's validation split, from stored predictions (Andriluka et al. 2014, section 4)."""

from pathlib import Path
from typing import Any

import numpy as np

from downstream.mpii.joints import JOINTS, PARTS, SCORED
from downstream.mpii.predictions import PREDICTIONS, read_predictions
from downstream.mpii.recipe import Mpii
from downstream.mpii.truth import MpiiTruth, read_truth, truth_path
from downstream.reading.plausible import OTHER_SIZES, check_scale
from liftedcl.identity.errors import InputError

THRESHOLDS = {"pckh_50": 0.5, "pckh_10": 0.1}
"""Error at which a joint still counts, as a share of the head's size. Departure: the published code's "Mean@0.1" reads
the bin at 0.11."""


def score_run(recipe: Mpii, data: Path, run: Path) -> dict[str, Any]:
    """What metrics.json holds; see `score_file`."""
    return score_file(truth_path(data), run / PREDICTIONS)


def score_file(annotations: Path, predictions: Path) -> dict[str, Any]:
    """`score` of predictions.mat against gt_valid.mat.

    Raises:
        InputError: one is missing or damaged, or the predictions are not in px of the images.
    """
    truth = read_truth(annotations)
    predicted = read_predictions(predictions, len(truth))
    if truth.visible.any():
        check_scale(predicted[truth.visible], truth.joints[truth.visible], OTHER_SIZES, predictions)
    return score(predicted, truth)


def score(predicted: np.ndarray, truth: MpiiTruth) -> dict[str, Any]:
    """PCKh in percent: the share of visible joints whose error is at most a share of the head's size.

    Args:
        predicted: joints (N, 16, 2) in 0-based image pixels, in the order of ``truth``.
        truth: the validation split.

    Returns:
        ``pckh_50`` and ``pckh_10``, means over all visible joints but pelvis and thorax; then both for each joint, and
        for the seven parts of published tables (the mean of a part's joints). None for a joint that is never visible.

    Raises:
        InputError: no joint that counts is visible.
    """
    if not truth.visible[:, SCORED].any():
        raise InputError(
            "gt_valid.mat: no joint that counts is visible, so there is nothing to score; see docs/data/mpii.md"
        )
    errors = np.linalg.norm(predicted - truth.joints, axis=2) / truth.head_sizes[:, None]
    visible_count = truth.visible.sum(axis=0)
    scores: dict[str, Any] = {"per_joint": {name: {} for name in JOINTS}, "per_part": {name: {} for name in PARTS}}
    for key, threshold in THRESHOLDS.items():
        found_count = ((errors <= threshold) & truth.visible).sum(axis=0)
        # Upstream weighs each joint's PCKh by its visible count, which is this ratio of sums.
        scores[key] = 100.0 * float(found_count[SCORED].sum() / visible_count[SCORED].sum())
        for name, found, visible in zip(JOINTS, found_count, visible_count, strict=True):
            scores["per_joint"][name][key] = 100.0 * float(found / visible) if visible else None
        for part, names in PARTS.items():
            known = [row[key] for row in map(scores["per_joint"].get, names) if row[key] is not None]
            scores["per_part"][part][key] = float(np.mean(known)) if known else None
    return {**scores, "samples": len(truth)}
