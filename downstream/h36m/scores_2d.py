"""Joint detection rate (JDR) on Human3.6M, from predictions alone (Qiu et al. 2019; paper, section 4.2)."""

from pathlib import Path
from typing import Any

import numpy as np

from downstream.h36m import prediction_file
from downstream.h36m.reader_2d import H36MJoints
from downstream.reading.npz_file import read_arrays
from liftedcl.identity.errors import InputError
from liftedcl.skeletons.skeleton import JOINTS

_PAPER = {"head_size": 25.6, "test_stride": 64}
"""For frames of the original size, 1000 px wide, and every 64th of them."""


def score(predicted: np.ndarray, truth: H36MJoints, head_size: float) -> dict[str, Any]:
    """JDR in percent: the share of frames in which a joint is detected, averaged over the 17 joints.

    A joint is detected when its error is at most half the head size. The published code takes a tenth of the network's
    input for the head size, 25.6 px, and applies it to px of the original frame; so does the recipe of the paper here.
    Every joint of every frame counts: Human3.6M's are all known.

    Args:
        predicted: (N, 17, 2) in px of the frames, in the order of ``truth``.
        truth: the test split.
        head_size: in px of the frames.

    Returns:
        What goes into metrics.json.
    """
    errors = np.linalg.norm(predicted - truth.joints, axis=2)  # (N, 17)
    rates = 100 * (errors <= head_size / 2).mean(axis=0)
    return {
        "jdr": float(rates.mean()),
        "per_joint": dict(zip(JOINTS, rates.tolist(), strict=True)),
        "samples": len(truth),
    }


def write_predictions(path: Path, joints: np.ndarray, truth: H36MJoints, *, head_size: float, test_stride: int) -> None:
    """Write predictions.npz: ``joints`` (N, 17, 2) float64 px of the original frames; ``images`` (N,) names.

    ``head_size`` and ``test_stride``, the recipe's, are stored too: without them the file doesn't give its JDR again.
    """
    prediction_file.write_predictions(path, "joints", joints, truth.names, head_size=head_size, test_stride=test_stride)


def read_predictions(path: Path, truth: H36MJoints) -> np.ndarray:
    """Read predictions (N, 17, 2) in px for ``truth``, in its order. Errors as `prediction_file.read_predictions`."""
    remedy = "name the right --stride, the test_stride of the recipe that made them, or the right --annotations"
    return prediction_file.read_predictions(path, "joints", 2, truth.names, remedy)


def read_settings(path: Path) -> tuple[float, int]:
    """``head_size`` in px and ``test_stride`` that predictions were made with; the paper's where a file has none.

    Raises:
        InputError: the file is missing or damaged, or they are no numbers above 0.
    """
    stored = read_arrays(path, (), prediction_file.REMEDY, optional=tuple(_PAPER))
    for key, value in stored.items():
        kinds = "iu" if key == "test_stride" else "iuf"
        if value.shape != () or value.dtype.kind not in kinds or not 0 < value < np.inf:
            raise InputError(f"{path}: {key} is not one number above 0; {prediction_file.REMEDY}")
    settings = _PAPER | stored
    return float(settings["head_size"]), int(settings["test_stride"])
