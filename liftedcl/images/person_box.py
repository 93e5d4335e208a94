"""The part of an image around one person: a 4:3 rectangle around their box, cut out without distortion."""

import math
from dataclasses import dataclass

import cv2
import numpy as np

from liftedcl.files.image_files import resize

PADDING = (124, 116, 104)
"""Mean colour of ImageNet, RGB, for what lies outside an image; normalisation turns it into about zero."""

Box = tuple[float, float, float, float]
"""x, y, width, height in pixels of the image."""


@dataclass(frozen=True)
class Rectangle:
    """The extended box in whole pixels, height:width exactly 4:3; it may reach past the image's border."""

    x: int
    y: int
    width: int
    height: int


def extend_box(box: Box) -> Rectangle:
    """The smallest 4:3 rectangle of whole pixels around a box, centred to within half a pixel.

    It contains every pixel that the box touches (paper, appendix A).
    """
    x, y, width, height = box
    left, top = math.floor(x), math.floor(y)
    wide, high = math.ceil(x + width) - left, math.ceil(y + height) - top
    unit = max(-(-wide // 3), -(-high // 4))
    return Rectangle(left - (3 * unit - wide) // 2, top - (4 * unit - high) // 2, 3 * unit, 4 * unit)


def cut(image: np.ndarray, rectangle: Rectangle, *, height: int, width: int) -> np.ndarray:
    """Crop an image (H, W, 3) uint8 to a rectangle, padded past the border, and resize: (height, width, 3) uint8."""
    right, bottom = rectangle.x + rectangle.width, rectangle.y + rectangle.height
    inside = image[max(rectangle.y, 0) : bottom, max(rectangle.x, 0) : right]
    past = [max(-rectangle.y, 0), max(bottom - image.shape[0], 0), max(-rectangle.x, 0), max(right - image.shape[1], 0)]
    if any(past):
        inside = cv2.copyMakeBorder(inside, *past, cv2.BORDER_CONSTANT, value=PADDING)
    return resize(inside, height=height, width=width)
