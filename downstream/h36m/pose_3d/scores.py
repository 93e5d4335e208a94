"""Scores of 3D poses on Human3.6M, from predictions alone."""

from pathlib import Path
from typing import Any

import numpy as np

from downstream import metrics
from downstream.h36m.pose_3d.reader import H36MPoses, annotation_path, read_poses
from downstream.h36m.shared import prediction_file
from downstream.h36m.shared.pose_coding import root_relative
from downstream.h36m.shared.recipe import H36M3D
from liftedcl.skeletons.skeleton import NUM_JOINTS


def true_poses(truth: H36MPoses) -> np.ndarray:
    """The root-relative camera-frame poses (N, 17, 3) in mm that predictions are compared with."""
    return root_relative(truth.joints)[:, :NUM_JOINTS]


def score_run(recipe: H36M3D, data: Path, run: Path) -> dict[str, Any]:
    """The contents of metrics.json; see `score_file`."""
    return score_file(annotation_path(data, "test"), run / prediction_file.PREDICTIONS)


def score_file(annotations: Path, predictions: Path) -> dict[str, Any]:
    """`score` of predictions.npz against an annotation file.

    Raises:
        InputError: a file that is missing or damaged, or predictions for other images.
    """
    truth = read_poses(annotations)
    return score(prediction_file.read_predictions(predictions, "poses", 3, truth.names), truth)


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
