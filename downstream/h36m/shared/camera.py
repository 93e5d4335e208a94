"""Pinhole camera of Human3.6M: world, camera and image coordinates. numpy, batched.

Camera axes: x to the right, y down, z into the scene, in mm; image coordinates in pixels. The annotation files of
the 2D benchmark hold the lens distortion, which moves a joint by up to about 2.5 px of the original frames; those of
the 3D benchmark don't.
"""

import numpy as np


def world_to_camera(points: np.ndarray, R: np.ndarray, t: np.ndarray) -> np.ndarray:
    """World coordinates (N, J, 3) to camera coordinates (N, J, 3), in mm: X_c = R (X_w - t).

    ``R`` (N, 3, 3) are rotations, ``t`` (N, 3) the cameras' positions in the world, in mm.
    """
    return (points - t[:, None]) @ np.swapaxes(R, 1, 2)


def project(points: np.ndarray, f: np.ndarray, c: np.ndarray) -> np.ndarray:
    """Camera coordinates (N, J, 3) to image coordinates (N, J, 2), with focal lengths and centres (N, 2), px."""
    return points[..., :2] / points[..., 2:] * f[:, None] + c[:, None]


def project_through_lens(points: np.ndarray, f: np.ndarray, c: np.ndarray, k: np.ndarray, p: np.ndarray) -> np.ndarray:
    """As `project`, with the lens distortion of Human3.6M's own tools (Ionescu et al. 2014).

    Args:
        k: radial coefficients (N, 3), of the powers 2, 4 and 6 of the distance from the axis.
        p: tangential coefficients (N, 2); unlike OpenCV's model, the products with x and y count once, not twice.
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
