"""Scores of 3D poses on Human3.6M, from predictions alone."""

from pathlib import Path
from typing import Any

import numpy as np

from downstream import metrics
from downstream.h36m import prediction_file
from downstream.h36m.pose_coding import root_relative
from downstream.h36m.reader_3d import H36MPoses
from liftedcl.skeletons.skeleton import NUM_JOINTS


def true_poses(truth: H36MPoses) -> np.ndarray:
    """Root-relative camera-frame poses (N, 17, 3) in mm: what predictions are compared with."""
    return root_relative(truth.joints)[:, :NUM_JOINTS]


def score(predicted: np.ndarray, truth: H36MPoses) -> dict[str, Any]:
    """MPJPE and PA-MPJPE in mm over all samples and joints, and for each action.

    Args:
        predicted: root-relative camera-frame poses (N, 17, 3) in mm, in the order of ``truth``.
        truth: the test split.

    Returns:
        What goes into metrics.json. ``action_mean`` weighs every action alike, whatever its number of samples.
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


def write_predictions(path: Path, poses: np.ndarray, truth: H36MPoses) -> None:
    """Write predictions.npz: ``poses`` (N, 17, 3) float64 mm, root-relative, camera frame; ``images`` (N,) names."""
    prediction_file.write_predictions(path, "poses", poses, truth.names)


def read_predictions(path: Path, truth: H36MPoses) -> np.ndarray:
    """Read predictions (N, 17, 3) in mm for ``truth``, in its order. Errors as `prediction_file.read_predictions`."""
    return prediction_file.read_predictions(path, "poses", 3, truth.names)
