"""Pinhole camera of Human3.6M: world, camera and picture coordinates. numpy, batched.

Camera axes: x to the right, y down, z into the scene, in mm; picture coordinates in pixels. The annotation files of
the 3D benchmark carry no lens distortion, those of the 2D benchmark do: it moves a joint by up to about 2.5 px of the
original frames.
"""

import numpy as np


def world_to_camera(points: np.ndarray, R: np.ndarray, t: np.ndarray) -> np.ndarray:
    """X_c = R (X_w - t), with ``t`` the camera's position in the world.

    Args:
        points: (N, J, 3) in world coordinates, mm.
        R: rotations (N, 3, 3).
        t: camera positions (N, 3), mm.

    Returns:
        (N, J, 3) in camera coordinates, mm.
    """
    return (points - t[:, None]) @ np.swapaxes(R, 1, 2)


def project(points: np.ndarray, f: np.ndarray, c: np.ndarray) -> np.ndarray:
    """Camera coordinates (N, J, 3) to picture coordinates (N, J, 2), with focal lengths and centres (N, 2), px."""
    return points[..., :2] / points[..., 2:] * f[:, None] + c[:, None]


def project_through_lens(points: np.ndarray, f: np.ndarray, c: np.ndarray, k: np.ndarray, p: np.ndarray) -> np.ndarray:
    """As `project`, with the lens distortion of Human3.6M's own tools (Ionescu et al. 2014).

    Args:
        points: (N, J, 3) in camera coordinates.
        f, c: focal lengths and principal points (N, 2), px.
        k: radial coefficients (N, 3), of the powers 2, 4 and 6 of the distance from the axis.
        p: tangential coefficients (N, 2); unlike OpenCV's model, the products with x and y count once, not twice.

    Returns:
        (N, J, 2) px.
    """
    straight = points[..., :2] / points[..., 2:]
    squared = np.square(straight).sum(axis=2, keepdims=True)  # (N, J, 1)
    radial = 1 + (k[:, None] * squared ** np.arange(1, 4)).sum(axis=2, keepdims=True)
    across = p[:, None, ::-1]
    tangential = (straight * across).sum(axis=2, keepdims=True)
    return (straight * (radial + tangential) + across * squared) * f[:, None] + c[:, None]


def back_project(pixels: np.ndarray, depth: np.ndarray, f: np.ndarray, c: np.ndarray) -> np.ndarray:
    """Inverse of `project` at a given depth: (N, J, 2) px and (N, J) mm to (N, J, 3) mm."""
    return np.concatenate([(pixels - c[:, None]) / f[:, None] * depth[..., None], depth[..., None]], axis=-1)
