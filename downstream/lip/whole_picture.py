"""Whole images fitted into squares: the affine maps, and label maps brought there and back."""

import cv2
import numpy as np

from downstream.lip.labels import IGNORED


def fitted(sizes: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Centres (N, 2) and sides (N,), in px, of the squares that hold images of ``sizes`` (N, 2: width, height).

    The longer side fills the square of ``size`` px from outer edge to outer edge, so that fitting and
    mirroring can be exchanged, and a square of ``size`` stays as it is. `crop.crop_matrices` puts centres on
    ``size`` / 2, half a pixel of the square beside its middle; the second term corrects that.
    """
    sides = sizes.max(axis=1).astype(np.float64)
    return (sizes - 1) / 2 + sides[:, None] / (2 * size), sides


def warp_labels(labels: np.ndarray, matrix: np.ndarray, size: int) -> np.ndarray:
    """Label map (size, size) of an image's (H, W) through ``matrix`` (2, 3): nearest label, ignored outside."""
    return cv2.warpAffine(
        labels, matrix, (size, size), flags=cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT, borderValue=IGNORED
    )


def unwarp_labels(labels: np.ndarray, matrix: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Label map (height, width) of an image of ``size`` from the square's (S, S): nearest; every pixel gets a label.

    Args:
        matrix: the map from image to square, (2, 3).
        size: width and height of the image.
    """
    return cv2.warpAffine(
        labels, matrix, size, flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REPLICATE
    )
