"""The mean-pose predictor of 3D pose, which doesn't look at the image. A fine-tuned encoder must beat it.

Two constants are fitted on the training split: the mean root-relative pose in the camera frame, and the mean target
in crop coordinates, decoded through each test sample's box and camera as a network's output is. The second one knows
where the person is and how large. The reference is the one with the lower MPJPE. The bound is nearly 0: coordinates are
regressed, and no cell limits them.
"""

from pathlib import Path
from typing import Any

import numpy as np

from downstream.h36m.pose_3d.reader import H36MPoses, read_h36m_3d
from downstream.h36m.pose_3d.scores import score, true_poses
from downstream.h36m.shared.pose_coding import decode, encode, root_relative
from downstream.h36m.shared.recipe import H36M3D
from liftedcl.skeletons.skeleton import NUM_JOINTS


def mean_camera_pose(train: H36MPoses, test: H36MPoses) -> np.ndarray:
    """One root-relative camera-frame pose for every test sample, (N, 17, 3) in mm."""
    mean = true_poses(train).mean(axis=0)
    return np.broadcast_to(mean, (len(test), *mean.shape))


def mean_crop_pose(train: H36MPoses, test: H36MPoses, recipe: H36M3D) -> np.ndarray:
    """One network output for every test sample, decoded to root-relative poses (N, 17, 3) in mm."""
    targets, weights = encode(train.joints, **train.coding(recipe))
    mean = (targets * weights).sum(axis=0) / weights.sum(axis=0).clip(min=1)
    outputs = np.broadcast_to(mean, (len(test), *mean.shape))
    decoded = decode(outputs, root_depth=test.joints[:, 0, 2], **test.coding(recipe))
    return root_relative(decoded)[:, :NUM_JOINTS]


def reference_scores(recipe: H36M3D, data: Path) -> dict[str, Any]:
    """Scores of the stronger predictor; ``predictor`` says which it is, ``candidates`` what both reach."""
    train, test = read_h36m_3d(data, "train"), read_h36m_3d(data, "test")
    candidates = {
        "camera_frame": score(mean_camera_pose(train, test), test),
        "crop_coordinates": score(mean_crop_pose(train, test, recipe), test),
    }
    best = min(candidates, key=lambda name: candidates[name]["mpjpe_mm"])
    errors = {name: {key: row[key] for key in ("mpjpe_mm", "pa_mpjpe_mm")} for name, row in candidates.items()}
    return {**candidates[best], "predictor": best, "candidates": errors}


def bound_scores(recipe: H36M3D, data: Path) -> dict[str, Any]:
    """Scores of the true targets in crop coordinates, as float32 like a network's output, decoded."""
    test = read_h36m_3d(data, "test")
    targets, _ = encode(test.joints, **test.coding(recipe))
    decoded = decode(targets.astype(np.float32), root_depth=test.joints[:, 0, 2], **test.coding(recipe))
    return score(root_relative(decoded)[:, :NUM_JOINTS], test)
