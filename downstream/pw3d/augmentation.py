"""Augmentation of the shape benchmark, in batch and on the crops' device: colours, and loss of resolution.

As in the published code, each level of resolution has a gain and jitters of its own, and gains compound: a level's
image has been multiplied by those of all finer levels too. Jitters are linear and clipped once, so their order doesn't
matter.

Departures from the published code: all images of a batch lose the same share of their resolution at a level, so that
resizing is one operation; the grey of contrast and saturation weighs red as red and blue as blue, where the published
weights are exchanged.
"""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from downstream.pw3d.recipe import ShapeAugmentation
from liftedcl.views.rgb import GREY

GAINS, JITTERS = 3, 3


def draw_colours(recipe: ShapeAugmentation, rng: np.random.Generator, levels: int) -> np.ndarray:
    """One sample's factors (K, 6) at K ``levels``: gain of the channels, then brightness, contrast and saturation.

    1 changes nothing. Each jitter is drawn and applied by itself.
    """
    gain = rng.uniform(*recipe.channel_gain, size=(levels, GAINS))
    jitter = rng.uniform(1 - recipe.jitter, 1 + recipe.jitter, size=(levels, JITTERS))
    applied = rng.random((levels, JITTERS)) < recipe.jitter_probability
    return np.concatenate([gain, np.where(applied, jitter, 1.0)], axis=1)


def pyramid(images: Tensor, colours: Tensor, sizes: tuple[int, ...]) -> Tensor:
    """Images (B, 3, S, S) in [0, 1] at each resolution of ``sizes`` (K), level by level: (K B, 3, S, S).

    Args:
        colours: (K, B, 6) of `draw_colours`.
    """
    levels, whole = [], images.shape[-1]
    for size, factors in zip(sizes, colours, strict=True):
        gain, jitter = factors.split((GAINS, JITTERS), dim=1)
        images = (images * gain[:, :, None, None]).clamp(0, 1)
        levels.append(jittered(images if size == whole else lose_resolution(images, size), jitter))
    return torch.cat(levels)


def jittered(images: Tensor, factors: Tensor) -> Tensor:
    """Images (B, 3, S, S) in [0, 1] with brightness, contrast and saturation times ``factors`` (B, 3)."""
    brightness, contrast, saturation = factors[:, :, None, None, None].unbind(dim=1)
    images = images * brightness
    images = torch.lerp(_grey(images).mean(dim=(2, 3), keepdim=True), images, contrast)
    return torch.lerp(_grey(images), images, saturation).clamp(0, 1)


def lose_resolution(images: Tensor, size: int) -> Tensor:
    """Images (B, 3, S, S) in [0, 1] shrunk to ``size`` px and enlarged to S again, as 8-bit images; bicubic.

    As in the published code, whose SciPy stretches what it resizes: an image's darkest value becomes 0, its lightest 1.
    """
    side = images.shape[-1]
    low, high = images.amin(dim=(1, 2, 3), keepdim=True), images.amax(dim=(1, 2, 3), keepdim=True)
    small = _resized(_in_8_bits((images - low) / (high - low).clamp(min=1 / 255)), size)
    return _resized(small, side)


def _resized(images: Tensor, size: int) -> Tensor:
    # With antialias PyTorch's bicubic kernel is Pillow's, a = -0.5, in both directions; without it a is -0.75.
    return _in_8_bits(F.interpolate(images, size=(size, size), mode="bicubic", antialias=True))


def _in_8_bits(images: Tensor) -> Tensor:
    return (images.clamp(0, 1) * 255).round() / 255


def _grey(images: Tensor) -> Tensor:
    red, green, blue = images.split(1, dim=1)
    return red * GREY[0] + green * GREY[1] + blue * GREY[2]
