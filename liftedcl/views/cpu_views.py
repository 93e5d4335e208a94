"""Views on a CPU: image by image in uint8 with OpenCV, several times as fast as batched torch or PIL.

As in PIL, values are rounded to whole grey levels between operations. One thread renders each image (engine/device.py)
independently of the others, so its view is the same bit for bit in any batch.
"""

import math

import cv2
import numpy as np
import torch
from PIL import Image
from torch import Tensor

from liftedcl.views.rgb import GREY, MEAN, STD
from liftedcl.views.view_draw import ViewDraw

_LUMA = np.array(GREY)
_LEVELS = np.arange(256)[:, None] / 255.0
_NORMALISED = ((_LEVELS - MEAN) / STD).astype(np.float32)[None]
"""(1, 256, 3): the normalised value of each level of red, green and blue."""


def render(images: Tensor, draw: ViewDraw, size: tuple[int, int]) -> Tensor:
    """Views (B, 3, *size) float32, normalised, channels last in memory, of (B, 3, H, W) uint8 RGB on the CPU.

    Images that are channels last in memory are read in place, others copied.
    """
    sources = images.permute(0, 2, 3, 1).contiguous().numpy()
    views = np.empty((len(sources), *size, 3), np.float32)  # torch.empty is filled in deterministic mode
    factors = torch.stack([draw.brightness, draw.contrast, draw.saturation, draw.hue], dim=1).tolist()
    boxes, flips = draw.geometry.boxes.int().tolist(), draw.geometry.flips.tolist()
    jittered, greyed, blurred = draw.jittered.tolist(), draw.greyed.tolist(), draw.blurred.tolist()
    sigmas = draw.sigma.tolist()
    for i, (source, out) in enumerate(zip(sources, views, strict=True)):
        view = _cut(source, boxes[i], flips[i], size)
        if jittered[i]:
            for operation in draw.order:
                view = _JITTER[operation](view, factors[i][operation])
        if greyed[i]:
            view = cv2.cvtColor(view, cv2.COLOR_RGB2GRAY)  # one channel, whose blur costs a third
        if blurred[i]:
            view = _blur(view, sigmas[i])
        if greyed[i]:
            view = cv2.cvtColor(view, cv2.COLOR_GRAY2RGB)
        cv2.LUT(view, _NORMALISED, dst=out)
    return torch.from_numpy(views).permute(0, 3, 1, 2)


def _cut(image: np.ndarray, box: list[int], flip: bool, size: tuple[int, int]) -> np.ndarray:
    """The box (x, y, width, height) of (H, W, 3), flipped and resized bilinearly with its border repeated outwards."""
    x, y, width, height = box
    inside = image[y : y + height, x : x + width]
    if flip:
        inside = cv2.flip(inside, 1)  # before the resize, which mostly enlarges
    if width > size[1] or height > size[0]:  # OpenCV has no such low-pass filter
        return np.asarray(Image.fromarray(inside).resize(size[::-1], Image.Resampling.BILINEAR))
    return cv2.resize(inside, size[::-1], interpolation=cv2.INTER_LINEAR)


def _brightness(view: np.ndarray, factor: float) -> np.ndarray:
    return _affine(view, factor * np.eye(3), 0.0)


def _contrast(view: np.ndarray, factor: float) -> np.ndarray:
    """Blend with the image's mean grey."""
    return _affine(view, factor * np.eye(3), (1.0 - factor) * float(_LUMA @ cv2.mean(view)[:3]))


def _saturation(view: np.ndarray, factor: float) -> np.ndarray:
    """Blend with each pixel's own grey."""
    return _affine(view, factor * np.eye(3) + (1.0 - factor) * _LUMA, 0.0)


def _affine(view: np.ndarray, matrix: np.ndarray, shift: float) -> np.ndarray:
    """Map the colours of a view by a 3x3 matrix and a shift of all channels, rounded and clamped."""
    return cv2.transform(view, np.column_stack([matrix, np.full(3, shift)]))


def _hue(view: np.ndarray, turns: float) -> np.ndarray:
    """Turn the hue in float32, because OpenCV's 8-bit HSV isn't faster and is up to 7 grey levels off."""
    hsv = cv2.cvtColor(view.astype(np.float32), cv2.COLOR_RGB2HSV)
    hsv[:, :, 0] += 360.0 * (turns % 1.0)  # OpenCV reduces angles above 360 degrees, but not below 0
    return cv2.convertScaleAbs(cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB))


def _blur(view: np.ndarray, sigma: float) -> np.ndarray:
    """Blur with a Gaussian of deviation ``sigma`` in pixels, cut off at three deviations; borders are mirrored."""
    kernel = cv2.getGaussianKernel(2 * math.ceil(3.0 * sigma) + 1, sigma, cv2.CV_32F)
    # up to twice as fast as cv2.GaussianBlur, which agrees to one grey level
    return cv2.sepFilter2D(view, -1, kernel, kernel, borderType=cv2.BORDER_REFLECT_101)


_JITTER = (_brightness, _contrast, _saturation, _hue)
