"""Conversion between poses in mm and what the network regresses (Li et al. 2021, Human3.6M recipe).

Target of a joint: (u / size - 0.5, v / size - 0.5, (z - z_root) / depth_range), with (u, v) the joint's projection in
the crop and z its depth in mm. Decoding needs the root's depth, which the benchmark takes from the ground truth.
"""

import numpy as np

from downstream.h36m.shared.camera import back_project, project
from downstream.samples.crop import apply_affine, invert_affine
from liftedcl.skeletons.skeleton import NUM_JOINTS, flip_order

NUM_REGRESSED = NUM_JOINTS + 1
"""The 17 joints and, as an 18th, the thorax: the mean of the shoulders. It is trained on and not evaluated."""

ROOT = 0


def encode(
    joints: np.ndarray, *, f: np.ndarray, c: np.ndarray, matrices: np.ndarray, size: int, depth_range: float
) -> tuple[np.ndarray, np.ndarray]:
    """Camera-frame joints to network targets.

    Args:
        joints: (N, J, 3) in mm, root first.
        f, c: focal lengths and principal points (N, 2) in px.
        matrices: image to crop, (N, 2, 3), as `crop.crop_matrices` gives them.
        size: side of the crop in px.
        depth_range: depth in mm that counts as 1.

    Returns:
        Targets (N, J, 3) and weights (N, J, 1): 0 where a coordinate is outside +-0.5, else 1. Left and right are
        not swapped here; for a mirrored sample the caller does that with `mirrored_order`.
    """
    pixels = apply_affine(matrices, project(joints, f, c))
    depth = (joints[..., 2:] - joints[:, ROOT : ROOT + 1, 2:]) / depth_range
    targets = np.concatenate([pixels / size - 0.5, depth], axis=2)
    return targets, (np.abs(targets) <= 0.5).all(axis=2, keepdims=True).astype(targets.dtype)


def encode_flat(
    pixels: np.ndarray, visible: np.ndarray, *, matrices: np.ndarray, size: int
) -> tuple[np.ndarray, np.ndarray]:
    """Joints whose depth is not known to network targets.

    Args:
        pixels: (N, J, 2) in px of the image.
        visible: (N, J) bool, false where ``pixels`` mean nothing.

    Returns:
        Targets (N, J, 3), depth 0, and the weights of their coordinates (N, J, 3), which are 0 for depth.
    """
    places = apply_affine(matrices, pixels) / size - 0.5
    known = visible & (np.abs(places) <= 0.5).all(axis=2)
    depth = np.zeros_like(places[..., :1])
    weights = np.stack([known, known, np.zeros_like(known)], axis=2).astype(places.dtype)
    return np.concatenate([np.where(visible[..., None], places, 0), depth], axis=2), weights


def decode(
    outputs: np.ndarray,
    *,
    root_depth: np.ndarray,
    f: np.ndarray,
    c: np.ndarray,
    matrices: np.ndarray,
    size: int,
    depth_range: float,
) -> np.ndarray:
    """Inverse of `encode`: network outputs (N, J, 3) and true root depths (N,) in mm to camera-frame joints in mm."""
    pixels = apply_affine(invert_affine(matrices), (outputs[..., :2] + 0.5) * size)
    return back_project(pixels, outputs[..., 2] * depth_range + root_depth[:, None], f, c)


def mirrored_order(joints: int) -> np.ndarray:
    """Joint order after a mirror image, for the 17 joints and any midline joints that follow them. Shape (joints,)."""
    order = flip_order()
    return np.concatenate([order, np.arange(len(order), joints)])


def unmirror(outputs: np.ndarray, size: int) -> np.ndarray:
    """Network outputs (N, J, 3) for mirrored crops, converted to those of the crops: x' = -x - 1 / size, pairs swapped.

    The 1 / size is there because mirroring sends u to size - 1 - u while targets are u / size - 0.5.
    """
    outputs = outputs[:, mirrored_order(outputs.shape[1])].copy()
    outputs[..., 0] = -outputs[..., 0] - 1 / size
    return outputs


def root_relative(joints: np.ndarray) -> np.ndarray:
    """Joints (N, J, 3) minus their root."""
    return joints - joints[:, ROOT : ROOT + 1]


def turn_with_crop(poses: np.ndarray, matrices: np.ndarray, flipped: np.ndarray) -> np.ndarray:
    """Root-relative camera-frame poses (N, 17, 3), turned and mirrored as their crops are by ``matrices`` (N, 2, 3).

    ``flipped`` (N,) bool says which crops are mirrored: there left and right are swapped as well.

    Turning an image about its subject is, up to perspective, turning the subject about the optical axis.
    """
    linear = matrices[:, :, :2]
    turns = linear / np.sqrt(np.abs(np.linalg.det(linear)))[:, None, None]
    turned = np.concatenate([poses[..., :2] @ np.swapaxes(turns, 1, 2), poses[..., 2:]], axis=2)
    turned[flipped] = turned[flipped][:, flip_order()]
    return turned
