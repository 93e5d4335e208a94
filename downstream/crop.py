"""The square crop around a person's box as one affine map per sample, from picture pixels to network pixels.

Li et al. 2021, Human3.6M recipe: the box grows to a square about its centre; augmentation turns, scales and mirrors
that square. Mirroring is part of the map, so one matrix serves picture, targets and the way back.
"""

import numpy as np


def square_boxes(boxes: np.ndarray, scale: float) -> tuple[np.ndarray, np.ndarray]:
    """Centres (N, 2) and sides (N,) of the squares about ``boxes`` (N, 4: x0, y0, x1, y1 in px), times ``scale``."""
    return (boxes[:, :2] + boxes[:, 2:]) / 2, (boxes[:, 2:] - boxes[:, :2]).max(axis=1) * scale


def crop_matrices(
    centres: np.ndarray,
    sides: np.ndarray,
    *,
    size: int,
    rotations: np.ndarray | None = None,
    flips: np.ndarray | None = None,
) -> np.ndarray:
    """Maps from picture pixels to crop pixels.

    Args:
        centres: (N, 2) px; they land on (size / 2, size / 2).
        sides: (N,) px; a side becomes ``size`` px.
        size: side of the network's input.
        rotations: (N,) in degrees, positive turns the picture clockwise on the screen; none if left out.
        flips: (N,) bool: mirrored, u becomes size - 1 - u; none if left out.

    Returns:
        (N, 2, 3): crop = matrix @ (x, y, 1).
    """
    angles = np.zeros(len(sides)) if rotations is None else np.radians(rotations)
    cos, sin = np.cos(angles) * size / sides, np.sin(angles) * size / sides
    linear = np.stack([np.stack([cos, -sin], -1), np.stack([sin, cos], -1)], axis=1)  # (N, 2, 2)
    shift = size / 2 - (linear @ centres[..., None])  # (N, 2, 1)
    matrices = np.concatenate([linear, shift], axis=2)
    if flips is not None:
        matrices[flips, 0] = np.array([0, 0, size - 1]) - matrices[flips, 0]
    return matrices


def apply_affine(matrices: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Maps (N, 2, 3) applied to points (N, J, 2)."""
    return points @ np.swapaxes(matrices[:, :, :2], 1, 2) + matrices[:, None, :, 2]


def invert_affine(matrices: np.ndarray) -> np.ndarray:
    """Inverse maps (N, 2, 3)."""
    linear = np.linalg.inv(matrices[:, :, :2])
    return np.concatenate([linear, -linear @ matrices[:, :, 2:]], axis=2)
