"""Rotations: axis-angle, Euler angles, quaternions and interpolation. Batched, matrices act on column vectors."""

import numpy as np


def axis_angle_to_matrix(axis_angle: np.ndarray) -> np.ndarray:
    """Rotation matrices (..., 3, 3) of axis-angle vectors (..., 3) in radians (Rodrigues' formula)."""
    angle = np.linalg.norm(axis_angle, axis=-1)[..., None, None]
    x, y, z = np.moveaxis(axis_angle / (angle[..., 0] + 1e-12), -1, 0)
    zero = np.zeros_like(x)
    cross = np.stack([zero, -z, y, z, zero, -x, -y, x, zero], -1).reshape(*x.shape, 3, 3)
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * (cross @ cross)


def euler_to_matrix(degrees: np.ndarray) -> np.ndarray:
    """Rotation matrices (..., 3, 3) = Ry Rx Rz of angles (..., 3) about x, y, z in degrees."""
    radians = np.radians(degrees)
    about = [axis_angle_to_matrix(radians[..., axis, None] * np.eye(3)[axis]) for axis in range(3)]
    return about[1] @ about[0] @ about[2]


def matrix_to_axis_angle(matrix: np.ndarray) -> np.ndarray:
    """Axis-angle vectors (n, 3) in radians, at most pi long, of rotation matrices (n, 3, 3).

    They are found by way of unit quaternions (n, 4), whose real part comes first and is not negative.
    """
    m = matrix
    x, y, z = m[:, 0, 0], m[:, 1, 1], m[:, 2, 2]
    p, q, r = m[:, 2, 1] - m[:, 1, 2], m[:, 0, 2] - m[:, 2, 0], m[:, 1, 0] - m[:, 0, 1]
    a, b, c = m[:, 0, 1] + m[:, 1, 0], m[:, 0, 2] + m[:, 2, 0], m[:, 1, 2] + m[:, 2, 1]
    # 4 q q^T: every row is a multiple of q; the one with the largest diagonal entry has the best condition.
    outer = np.stack(
        [1 + x + y + z, p, q, r, p, 1 + x - y - z, a, b, q, a, 1 - x + y - z, c, r, b, c, 1 - x - y + z], -1
    ).reshape(-1, 4, 4)
    best = np.argmax(np.einsum("nii->ni", outer), axis=1)
    quaternion = outer[np.arange(len(outer)), best]
    quaternion = quaternion / np.linalg.norm(quaternion, axis=1, keepdims=True)
    quaternion = np.where(quaternion[:, :1] < 0, -quaternion, quaternion)
    sine = np.linalg.norm(quaternion[:, 1:], axis=1, keepdims=True)
    angle = 2 * np.arctan2(sine, quaternion[:, :1])
    return quaternion[:, 1:] * angle / np.maximum(sine, 1e-12)


def slerp(start: np.ndarray, end: np.ndarray, fraction: float) -> np.ndarray:
    """Rotations (n, 3, 3) at ``fraction`` of the shortest way from ``start`` to ``end``."""
    way = matrix_to_axis_angle(np.swapaxes(start, -1, -2) @ end)
    return start @ axis_angle_to_matrix(way * fraction)
