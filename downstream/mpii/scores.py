"""PCKh on MPII's validation split, from predictions alone (Andriluka et al. 2014, section 4)."""

from pathlib import Path
from typing import Any

import numpy as np

from downstream.mpii.joints import JOINTS, NUM_JOINTS, PARTS, SCORED
from downstream.mpii.reader import FIRST_PIXEL
from downstream.mpii.truth import MpiiTruth
from liftedcl.files.mat_file import read_mat, write_mat
from liftedcl.identity.errors import InputError

THRESHOLDS = {"pckh_50": 0.5, "pckh_10": 0.1}
"""Error at which a joint still counts, as a share of the head's size. Departure: the published code's "Mean@0.1" reads
the bin at 0.11."""


def score(predicted: np.ndarray, truth: MpiiTruth) -> dict[str, Any]:
    """PCKh in percent: the share of visible joints whose error is at most a share of the head's size.

    Args:
        predicted: joints (N, 16, 2) in 0-based picture pixels, in the order of ``truth``.
        truth: the validation split.

    Returns:
        What goes into metrics.json: ``pckh_50`` and ``pckh_10``, means over the visible joints of all but pelvis and
        thorax; both again for each joint, and for the seven parts of published tables (the mean of the part's joints).
        None for a joint that is nowhere visible.

    Raises:
        ValueError: the shapes differ, or a prediction isn't finite.
        InputError: no joint that counts is visible.
    """
    if predicted.shape != truth.joints.shape or not np.isfinite(predicted).all():
        raise ValueError(f"predictions must be finite {truth.joints.shape}: got {predicted.shape}")
    if not truth.visible[:, SCORED].any():
        raise InputError("gt_valid.mat: no joint of anybody is visible, so there is nothing to score")
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


def write_predictions(path: Path, joints: np.ndarray) -> None:
    """Write predictions.mat: ``preds`` (N, 16, 2), 1-based as MPII counts pixels; the field's exchange format.

    Args:
        path: the file.
        joints: (N, 16, 2) in 0-based picture pixels, in the order of valid.json.
    """
    write_mat(path, {"preds": joints.astype(np.float64) + FIRST_PIXEL})


def read_predictions(path: Path, count: int) -> np.ndarray:
    """Read the predictions (N, 16, 2) for ``count`` people, in 0-based picture pixels.

    Raises:
        InputError: missing, damaged, not finite, or for another number of people.
    """
    remedy = (
        "make it with python -m downstream.finetune, or save `preds` (people, 16, 2), 1-based, in valid.json's order"
    )
    predicted = read_mat(path, ("preds",), remedy)["preds"]
    if predicted.dtype.kind not in "iuf" or predicted.shape != (count, NUM_JOINTS, 2):
        found = f"{predicted.shape} {predicted.dtype}"
        raise InputError(f"{path}: preds is {found}, not ({count}, {NUM_JOINTS}, 2) numbers; {remedy}")
    if not np.isfinite(predicted).all():
        raise InputError(f"{path}: preds holds NaN or infinity; {remedy}")
    return predicted.astype(np.float64) - FIRST_PIXEL
