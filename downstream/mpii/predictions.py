"""predictions.mat: joints predicted on MPII's validation split, in the field's exchange format. No torch."""

from pathlib import Path

import numpy as np

from downstream.mpii.joints import NUM_JOINTS
from downstream.mpii.reader import FIRST_PIXEL
from liftedcl.files.mat_file import read_mat, write_mat
from liftedcl.identity.errors import InputError

PREDICTIONS = "predictions.mat"


def write_predictions(path: Path, joints: np.ndarray) -> None:
    """Write ``joints`` (N, 16, 2), in 0-based image pixels and valid.json's order, as ``preds``, 1-based like MPII."""
    write_mat(path, {"preds": joints.astype(np.float64) + FIRST_PIXEL})


def read_predictions(path: Path, count: int) -> np.ndarray:
    """Read predictions (N, 16, 2) for ``count`` people, in 0-based image pixels.

    Raises:
        InputError: missing, damaged, not finite, or for another number of people.
    """
    remedy = "save `preds` (people, 16, 2), in pixels that count from 1 and in valid.json's order"
    predicted = read_mat(path, ("preds",), remedy)["preds"]
    if predicted.dtype.kind not in "iuf" or predicted.shape != (count, NUM_JOINTS, 2):
        found = f"{predicted.shape} {predicted.dtype}"
        raise InputError(f"{path}: preds is {found}, not ({count}, {NUM_JOINTS}, 2) numbers; {remedy}")
    if not np.isfinite(predicted).all():
        raise InputError(f"{path}: preds holds NaN or infinity; {remedy}")
    return predicted.astype(np.float64) - FIRST_PIXEL
