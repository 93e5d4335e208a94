"""Scores of 3D poses on Human3.6M, from predictions alone."""

from pathlib import Path
from typing import Any

import numpy as np

from downstream import metrics
from downstream.h36m.pose_3d.reader import DRIFTED, H36MPoses, annotation_path, read_poses
from downstream.h36m.shared import prediction_file
from downstream.h36m.shared.pose_coding import root_relative
from downstream.h36m.shared.recipe import H36M3D
from downstream.reading.plausible import check_scale
from liftedcl.identity.errors import InputError
from liftedcl.skeletons.skeleton import NUM_JOINTS

_AT_ONCE = 4096
"""Samples that are compared together."""
_ROOT_MM = 1.0
"""Largest distance of a root from 0; rounding stays far below."""
_UNITS = {1000.0: "seem to be in metres, where mm are expected", 10.0: "seem to be in cm, where mm are expected"}


def true_poses(truth: H36MPoses) -> np.ndarray:
    """The root-relative camera-frame poses (N, 17, 3) in mm that predictions are compared with."""
    return root_relative(truth.joints)[:, :NUM_JOINTS]


def score_run(recipe: H36M3D, data: Path, run: Path) -> dict[str, Any]:
    """The contents of metrics.json; see `score_file`."""
    return score_file(annotation_path(data, "test"), run / prediction_file.PREDICTIONS)


def score_file(annotations: Path, predictions: Path) -> dict[str, Any]:
    """`score` of predictions.npz against an annotation file.

    Raises:
        InputError: a file that is missing or damaged, or predictions for other images, not root-relative or not in mm.
    """
    truth = read_poses(annotations)
    poses = prediction_file.read_predictions(predictions, "poses", 3, truth.names, extra=DRIFTED)
    off = np.linalg.norm(poses[:, 0], axis=1)
    if off.max() > _ROOT_MM:
        raise InputError(
            f"{predictions}: sample {int(off.argmax())}: the root is {off.max():.5g} mm from 0, so these are no "
            "root-relative poses; store poses - poses[:, :1] instead"
        )
    check_scale(poses[:, 1:], true_poses(truth)[:, 1:], _UNITS, predictions)
    return score(poses, truth)


def score(predicted: np.ndarray, truth: H36MPoses) -> dict[str, Any]:
    """MPJPE and PA-MPJPE in mm over all samples and joints, and for each action.

    ``action_mean`` weighs every action alike, whatever its number of samples.

    Args:
        predicted: root-relative camera-frame poses (N, 17, 3) in mm, in the order of ``truth``.
    """
    names, counts = np.unique(truth.actions, return_counts=True)
    sums = np.zeros((2, len(names)))
    for first in range(0, len(truth), _AT_ONCE):  # memory doesn't grow with the test set
        rows = slice(first, first + _AT_ONCE)
        poses, joints = predicted[rows], root_relative(truth.joints[rows])[:, :NUM_JOINTS]
        for kind, moved in enumerate((poses, metrics.procrustes_align(poses, joints))):
            errors = metrics.joint_errors(moved, joints).mean(axis=1)
            sums[kind] += np.bincount(np.searchsorted(names, truth.actions[rows]), errors, len(names))
    keys = ("mpjpe_mm", "pa_mpjpe_mm")
    means = dict(zip(names.tolist(), (sums / counts).T.tolist(), strict=True))
    return {
        **dict(zip(keys, (sums.sum(axis=1) / len(truth)).tolist(), strict=True)),
        "per_action": {f"{action:02d}": dict(zip(keys, values, strict=True)) for action, values in means.items()},
        "action_mean": dict(zip(keys, (sums / counts).mean(axis=1).tolist(), strict=True)),
        "samples": len(truth),
    }
