"""The whole frame as the network sees it: stretched to a square, and in training scaled, cropped and mirrored.

Departure: the published code resizes a frame twice, to the square and to its scale; here one map does both. No torch.
"""

import cv2
import numpy as np

from downstream.h36m.parsing.labels import LABELS
from downstream.h36m.parsing.recipe import FrameAugmentation
from downstream.label_maps.classes import IGNORED


def stretched(image: np.ndarray, size: int) -> np.ndarray:
    """Image (size, size, C) of a frame (H, W, C): bilinear as published; depth, which is float32, nearest."""
    resized = cv2.resize(image, (size, size), interpolation=_interpolation(image))
    return resized.reshape(size, size, -1)


def stretched_labels(labels: np.ndarray, width: int, height: int) -> np.ndarray:
    """Label map (height, width) of a frame's (H, W): each new pixel gets the label at its centre.

    The published evaluation interpolates the class numbers of the true labels instead (to 1000x1000 px,
    INTER_LINEAR_EXACT), which makes other classes of them along every border. That is a fault, and not copied.
    """
    return cv2.resize(labels, (width, height), interpolation=cv2.INTER_NEAREST_EXACT)


def augmented(
    image: np.ndarray, labels: np.ndarray, recipe: FrameAugmentation, size: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """A training sample: image (size, size, C) and labels (size, size) uint8 of a frame (H, W, C) and (H, W).

    Where the scaled frame is smaller than the square, it is in the upper left corner, and the rest is 0 and ignored.
    """
    low, high = recipe.scale_limits
    steps = 1 + round((high - low) / recipe.scale_step)
    side = max(1, round(size * (low + recipe.scale_step * int(rng.integers(steps)))))
    flip = rng.random() < recipe.flip
    corner = np.floor(rng.random(2) * (max(0, side - size) + 1)).astype(int)
    shown = min(side, size)
    matrix = _matrix(labels.shape, side, corner, flip=flip)
    border = {"borderMode": cv2.BORDER_REPLICATE}  # half a pixel at the border has no neighbour
    seen = cv2.warpAffine(image, matrix, (shown, shown), flags=_interpolation(image), **border)
    seen_labels = cv2.warpAffine(labels, matrix, (shown, shown), flags=cv2.INTER_NEAREST, **border)
    canvas = np.zeros((size, size, image.shape[2]), image.dtype)
    canvas[:shown, :shown] = seen.reshape(shown, shown, -1)
    label_canvas = np.full((size, size), IGNORED, np.uint8)
    label_canvas[:shown, :shown] = LABELS.swap_sides(seen_labels) if flip else seen_labels
    return canvas, label_canvas


def _matrix(shape: tuple[int, int], side: int, corner: np.ndarray, *, flip: bool) -> np.ndarray:
    """Frame (H, W) to the crop at ``corner`` (x, y) of its stretched (side, side) image, (2, 3); pixels are areas."""
    x, y = side / shape[1], side / shape[0]
    shift = np.array([0.5 * x - 0.5, 0.5 * y - 0.5])
    matrix = np.array([[x, 0, shift[0]], [0, y, shift[1]]])
    if flip:  # pixel j becomes side - 1 - j
        matrix[0] = -x, 0, side - 1 - shift[0]
    matrix[:, 2] -= corner
    return matrix


def _interpolation(image: np.ndarray) -> int:
    """Between a person and nothing there is no depth."""
    return cv2.INTER_NEAREST if image.dtype == np.float32 else cv2.INTER_LINEAR
