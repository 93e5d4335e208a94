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
    joints = true_poses(truth)
    plain = metrics.joint_errors(predicted, joints)
    aligned = metrics.joint_errors(metrics.procrustes_align(predicted, joints), joints)
    by_action = metrics.action_means(plain, truth.actions), metrics.action_means(aligned, truth.actions)
    per_action = {
        f"{action:02d}": {"mpjpe_mm": by_action[0][action], "pa_mpjpe_mm": by_action[1][action]}
        for action in by_action[0]
    }
    return {
        "mpjpe_mm": float(plain.mean()),
        "pa_mpjpe_mm": float(aligned.mean()),
        "per_action": per_action,
        "action_mean": {
            key: float(np.mean([row[key] for row in per_action.values()])) for key in ("mpjpe_mm", "pa_mpjpe_mm")
        },
        "samples": len(truth),
    }
