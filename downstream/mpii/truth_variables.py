"""The layout of MPII's gt_valid.mat, which the generator and the conversion of the official release both write."""

import numpy as np

DATASET_JOINTS = (
    "rank", "rkne", "rhip", "lhip", "lkne", "lank", "pelv", "thor", "neck", "head", "rwri", "relb", "rsho", "lsho",
    "lelb", "lwri",
)  # fmt: skip


def truth_variables(joints: np.ndarray, visible: np.ndarray, head_boxes: np.ndarray) -> dict[str, np.ndarray]:
    """The variables of gt_valid.mat.

    Args:
        joints: (N, 16, 2) px, 1-based.
        visible: (N, 16) 0 or 1.
        head_boxes: (N, 2, 2) px, 1-based: the corners' x and y.
    """
    names = np.empty((1, len(DATASET_JOINTS)), dtype=object)
    names[0] = DATASET_JOINTS
    return {
        "dataset_joints": names,
        "jnt_missing": 1.0 - visible.T,
        "pos_gt_src": joints.transpose(1, 2, 0).astype(np.float64),
        "headboxes_src": head_boxes.transpose(1, 2, 0).astype(np.float64),
    }
