"""Scores of 3D poses on Human3.6M, from predictions alone: ``python -m downstream.h36m_3d_scores``."""

import argparse
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from downstream import metrics
from downstream.h36m_3d import H36MPoses, annotation_path, read_h36m_3d
from downstream.pose_coding import root_relative
from liftedcl.errors import InputError, run_cli
from liftedcl.files import atomic_path, write_json
from liftedcl.skeleton import NUM_JOINTS


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
    """Write predictions.npz: ``poses`` (N, 17, 3) float64 mm, root-relative, camera frame; ``images`` (N,) names.

    float64 because the file must give the very numbers of metrics.json again.
    """
    with atomic_path(path) as part, part.open("wb") as file:
        np.savez_compressed(file, poses=poses, images=np.array(truth.names))


def read_predictions(path: Path, truth: H36MPoses) -> np.ndarray:
    """Read predictions for ``truth``, in its order.

    Raises:
        InputError: missing, damaged, of the wrong shape, or made for other images.
    """
    remedy = "make it with python -m downstream.finetune"
    try:
        with np.load(path, allow_pickle=False) as file:
            poses, images = file["poses"], file["images"]
    except FileNotFoundError:
        raise InputError(f"{path}: not found; {remedy}") from None
    except (KeyError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(f"{path}: not a predictions file ({error}); {remedy}") from None
    if poses.shape != (len(images), NUM_JOINTS, 3) or poses.dtype.kind != "f" or not np.isfinite(poses).all():
        raise InputError(f"{path}: poses are {poses.shape} {poses.dtype}, not finite (N, 17, 3) floats; {remedy}")
    if images.tolist() != truth.names:
        raise InputError(f"{path}: made for other images than {annotation_path(truth.root, 'test')}; {remedy}")
    return poses


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m downstream.h36m_3d_scores",
        description="MPJPE and PA-MPJPE of stored 3D poses against Human3.6M's test split, in mm.",
        epilog="example: python -m downstream.h36m_3d_scores --predictions predictions.npz --data data/h36m",
    )
    add = parser.add_argument
    add("--predictions", type=Path, required=True, help="npz: poses (N, 17, 3) in mm, root-relative, and images (N,)")
    add("--data", type=Path, required=True, help="folder with annotations/ and images/ (docs/data.md)")
    add("--out", type=Path, help="JSON to write the scores to")
    arguments = parser.parse_args()
    truth = read_h36m_3d(arguments.data, "test")
    scores = score(read_predictions(arguments.predictions, truth), truth)
    if arguments.out is not None:
        write_json(arguments.out, scores)
    print(f"MPJPE {scores['mpjpe_mm']:.2f} mm  PA-MPJPE {scores['pa_mpjpe_mm']:.2f} mm  {scores['samples']} samples")


if __name__ == "__main__":
    run_cli(main)
