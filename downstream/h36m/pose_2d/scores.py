"""Joint detection rate (JDR) on Human3.6M, from predictions alone (Qiu et al. 2019; paper, section 4.2)."""

from pathlib import Path
from typing import Any

import numpy as np

from downstream.h36m.pose_2d.reader import H36MJoints, annotation_path, read_joints
from downstream.h36m.shared import prediction_file
from downstream.h36m.shared.recipe import H36M2D
from downstream.reading.plausible import OTHER_SIZES, check_scale
from liftedcl.files.array_file import read_arrays
from liftedcl.identity.errors import InputError
from liftedcl.skeletons.skeleton import JOINTS

PAPER = {"head_size": 25.6, "test_stride": 64}
"""What the paper uses: every 64th frame, at the original size of 1000 px."""
_PAPERS_WIDTH, _OTHER_SIZE = 1000, 1.25


def score_run(recipe: H36M2D, data: Path, run: Path) -> dict[str, Any]:
    """The contents of metrics.json, for the head size and the stride that are stored with the predictions."""
    predictions = run / prediction_file.PREDICTIONS
    return score_file(annotation_path(data, "test"), predictions, *settings_of(predictions))


def score_file(annotations: Path, predictions: Path, head_size: float | None, stride: int) -> dict[str, Any]:
    """`score` of predictions.npz against every ``stride``-th frame of an annotation file.

    Args:
        head_size: in px of the frames; None is the paper's, which is meant for frames of 1000 px.

    Raises:
        InputError: a file that is missing or damaged, predictions for other images or not in px of the frames, or
            frames of another size that need a head size of their own.
    """
    truth = read_joints(annotations, stride)
    remedy = "name the right --stride, the test_stride of the recipe that made them, or the right --annotations"
    joints = prediction_file.read_predictions(predictions, "joints", 2, truth.names, remedy)
    check_scale(joints, truth.joints, OTHER_SIZES, predictions)
    if head_size is None:
        head_size = PAPER["head_size"]
        width = 2 * float(np.median(truth.principal_points[:, 0]))
        if not _PAPERS_WIDTH / _OTHER_SIZE < width < _PAPERS_WIDTH * _OTHER_SIZE:
            raise InputError(
                f"{annotations}: its frames are about {width:.0f} px wide, but the usual head size, {head_size:g} px, "
                f"is for frames of {_PAPERS_WIDTH} px; name --head-size in px of these frames"
            )
    return score(joints, truth, head_size)


def score(predicted: np.ndarray, truth: H36MJoints, head_size: float) -> dict[str, Any]:
    """JDR in percent: the share of frames in which a joint is detected, averaged over the 17 joints.

    A joint is detected when its error is at most half of ``head_size``. The published code takes a tenth of the
    network's input for the head size, 25.6 px, and applies it to px of the original frame; so does the paper's recipe
    here. Every joint of every frame counts: Human3.6M's are all known.

    Args:
        predicted: (N, 17, 2) in px of the frames, in the order of ``truth``, as ``head_size`` is.
    """
    errors = np.linalg.norm(predicted - truth.joints, axis=2)  # (N, 17)
    rates = 100 * (errors <= head_size / 2).mean(axis=0)
    return {
        "jdr": float(rates.mean()),
        "per_joint": dict(zip(JOINTS, rates.tolist(), strict=True)),
        "samples": len(truth),
    }


def settings_of(path: Path, head_size: float | None = None, stride: int | None = None) -> tuple[float | None, int]:
    """Head size in px and stride: those given, or else those stored with the predictions.

    Without either, the head size is None and the stride the paper's.

    Raises:
        InputError: the file is missing or damaged, or one of them is not a number above 0.
    """
    if (stride is not None and stride < 1) or (head_size is not None and not 0 < head_size < np.inf):
        raise InputError("--stride, --head-size: must be above 0; see the recipe the predictions were made with")
    stored = read_arrays(path, (), prediction_file.REMEDY, optional=tuple(PAPER))
    for key, value in stored.items():
        kinds = "iu" if key == "test_stride" else "iuf"
        if value.shape != () or value.dtype.kind not in kinds or not 0 < value < np.inf:
            raise InputError(f"{path}: {key} is not one number above 0; {prediction_file.REMEDY}")
    if head_size is None and "head_size" in stored:
        head_size = float(stored["head_size"])
    return head_size, int(stride or stored.get("test_stride", PAPER["test_stride"]))
