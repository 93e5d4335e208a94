"""Errors of 3D poses: MPJPE and PA-MPJPE. numpy only, batched, nothing is fitted.

Human3.6M protocols (Ionescu et al. 2014; Li et al. 2021, section 4.3): MPJPE compares root-relative poses as they
are, PA-MPJPE after the best similarity (rotation, translation and scale; Umeyama 1991).
"""

import numpy as np


def joint_errors(predicted: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Euclidean error of every joint.

    Args:
        predicted, truth: poses (N, J, 3) in mm, in the same frame.

    Returns:
        Errors (N, J) in mm.

    Raises:
        ValueError: the shapes differ or aren't (N, J, 3), there is no pose, or a number isn't finite.
    """
    _check(predicted, truth)
    return np.linalg.norm(predicted.astype(np.float64) - truth, axis=-1)


def mpjpe(predicted: np.ndarray, truth: np.ndarray) -> float:
    """Mean per-joint position error over samples and joints, in mm. Arguments and errors as `joint_errors`."""
    return float(joint_errors(predicted, truth).mean())


def pa_mpjpe(predicted: np.ndarray, truth: np.ndarray) -> float:
    """MPJPE after each predicted pose was aligned to its truth by `procrustes_align`, in mm."""
    return mpjpe(procrustes_align(predicted, truth), truth)


def procrustes_align(predicted: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Move each predicted pose by the similarity that brings it closest to its truth (Umeyama 1991, eq. 40-42).

    The truth keeps its size (scipy and torchmetrics normalise both sides, which gives another number). The
    rotation is proper: a mirrored pose isn't forgiven. A pose whose joints coincide lands on the truth's mean.

    Returns:
        Aligned poses (N, J, 3), float64. Arguments and errors as `joint_errors`.
    """
    _check(predicted, truth)
    predicted, truth = predicted.astype(np.float64), truth.astype(np.float64)
    predicted_mean, truth_mean = predicted.mean(1, keepdims=True), truth.mean(1, keepdims=True)
    source, target = predicted - predicted_mean, truth - truth_mean
    left, singular, right = np.linalg.svd(np.swapaxes(source, 1, 2) @ target)  # (N, 3, 3), (N, 3), (N, 3, 3)
    sign = np.ones_like(singular)  # reflection guard: the least important axis gives way
    sign[:, 2] = np.where(np.linalg.det(left @ right) < 0, -1.0, 1.0)
    rotation = (left * sign[:, None]) @ right  # for row vectors: source @ rotation
    power = np.square(source).sum((1, 2))
    scale = np.divide((singular * sign).sum(1), power, out=np.zeros_like(power), where=power > 0)
    return scale[:, None, None] * (source @ rotation) + truth_mean


def _check(predicted: np.ndarray, truth: np.ndarray) -> None:
    if predicted.shape != truth.shape or predicted.ndim != 3 or predicted.shape[2] != 3 or predicted.size == 0:
        raise ValueError(f"poses must both be (N, J, 3) with N, J > 0: got {predicted.shape} and {truth.shape}")
    if not (np.isfinite(predicted).all() and np.isfinite(truth).all()):
        raise ValueError("a pose holds NaN or infinity")
