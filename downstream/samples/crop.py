"""The crop around a person's box as one affine map per sample, from image pixels to network pixels.

The box grows to the input's aspect about its centre; augmentation turns, scales and mirrors that region. Mirroring is
part of the map, so one matrix serves image, targets and the way back.
"""

import math

import cv2
import numpy as np
from PIL import Image

from downstream.reading.frames import Region

_ROUNDING = 0.01
"""Px by which OpenCV's coordinates, of 32 bits, may be off."""


def square_boxes(boxes: np.ndarray, scale: float) -> tuple[np.ndarray, np.ndarray]:
    """Centres (N, 2) and sides (N,) of the squares about ``boxes`` (N, 4: x0, y0, x1, y1 in px), times ``scale``."""
    return (boxes[:, :2] + boxes[:, 2:]) / 2, (boxes[:, 2:] - boxes[:, :2]).max(axis=1) * scale


def widths_at_aspect(extents: np.ndarray, size: tuple[int, int], scale: float) -> np.ndarray:
    """Widths (N,) of the smallest regions of the aspect of ``size`` around boxes of ``extents`` (N, 2), times scale."""
    return np.maximum(extents[:, 0], extents[:, 1] * size[0] / size[1]) * scale


def crop_matrices(
    centres: np.ndarray,
    widths: np.ndarray,
    *,
    size: tuple[int, int],
    rotations: np.ndarray | None = None,
    flips: np.ndarray | None = None,
) -> np.ndarray:
    """Maps from image pixels to crop pixels.

    Args:
        centres: (N, 2) px; they land on the middle, ``size`` / 2.
        widths: (N,) px of the image that become the input's width.
        size: width and height of the network's input.
        rotations: (N,) in degrees, positive turns the image clockwise on the screen; none if left out.
        flips: (N,) bool: mirrored, u becomes width - 1 - u; none if left out.

    Returns:
        (N, 2, 3): crop = matrix @ (x, y, 1).
    """
    angles = np.zeros(len(widths)) if rotations is None else np.radians(rotations)
    cos, sin = np.cos(angles) * size[0] / widths, np.sin(angles) * size[0] / widths
    linear = np.stack([np.stack([cos, -sin], -1), np.stack([sin, cos], -1)], axis=1)  # (N, 2, 2)
    shift = np.array(size)[:, None] / 2 - (linear @ centres[..., None])  # (N, 2, 1)
    matrices = np.concatenate([linear, shift], axis=2)
    if flips is not None:
        matrices[flips, 0] = np.array([0, 0, size[0] - 1]) - matrices[flips, 0]
    return matrices


def apply_affine(matrices: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Maps (N, 2, 3) applied to points (N, J, 2)."""
    return points @ np.swapaxes(matrices[:, :, :2], 1, 2) + matrices[:, None, :, 2]


def invert_affine(matrices: np.ndarray) -> np.ndarray:
    """Inverse maps (N, 2, 3)."""
    linear = np.linalg.inv(matrices[:, :, :2])
    return np.concatenate([linear, -linear @ matrices[:, :, 2:]], axis=2)


def from_region(matrices: np.ndarray, region: Region) -> np.ndarray:
    """The same maps (..., 2, 3), from the pixels of a ``region`` of the image.

    A resized region has its outer edges where they were: its pixel r, of 1 / scale px, is at (r + 1/2) / scale - 1/2.
    """
    linear, scale = matrices[..., :2], region.scale
    first = region.corner + (0.5 / scale - 0.5)  # where the region's pixel 0 is in the image
    return np.concatenate([linear / scale, matrices[..., 2:] + linear @ first[:, None]], axis=-1)


def seen_by(matrix: np.ndarray, size: tuple[int, int], shape: tuple[int, ...]) -> tuple[slice, slice]:
    """Rows and columns of pixels of ``shape`` (H, W, ...) that a crop of ``size`` through ``matrix`` (2, 3) can show.

    They are empty if it shows none, and hold what bilinear interpolation mixes in.
    """
    (a, b, c), (d, e, f) = matrix.tolist()  # plain numbers: arrays of so few take ten times as long
    area = a * e - b * d
    right, down = (size[0] - 1) / area, (size[1] - 1) / area
    rows = _reached((d * c - a * f) / area, -d * right, a * down, shape[0])
    return rows, _reached((b * f - e * c) / area, e * right, -b * down, shape[1])


def _reached(first: float, across: float, down: float, side: int) -> slice:
    """From the coordinate of a crop's first pixel, and how far those of the two corners beside it are from there."""
    low = first + min(across, 0) + min(down, 0) - _ROUNDING
    high = first + max(across, 0) + max(down, 0) + _ROUNDING
    start = min(max(0, math.floor(low)), side)
    return slice(start, min(max(start, math.floor(high) + 2), side))


def warp(region: np.ndarray, matrix: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Crop (height, width, 3) of ``size`` of a region through ``matrix`` (2, 3), bilinear, black outside."""
    return cv2.warpAffine(region, matrix, size, flags=cv2.INTER_LINEAR)


def shrink(region: np.ndarray, matrix: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """As `warp`, of a ``matrix`` that neither turns nor mirrors: where it shrinks, a pixel averages all it covers."""
    sides, scales = np.array(size), matrix.diagonal()
    low = (-0.5 - matrix[:, 2]) / scales + 0.5  # of the crop; here a region begins at 0 and not at its pixels' middle
    high = low + sides / scales
    before = np.ceil(np.maximum(0, -low)).astype(int).tolist()
    after = np.ceil(np.maximum(0, high - region.shape[1::-1])).astype(int).tolist()
    framed = cv2.copyMakeBorder(region, before[1], after[1], before[0], after[0], cv2.BORDER_CONSTANT)
    box = (*(low + before).tolist(), *(high + before).tolist())
    return np.asarray(Image.fromarray(framed).resize(size, Image.Resampling.BILINEAR, box=box))
