"""Augmentation of the shape benchmark, in batch and on the crops' device: colours, and loss of resolution.

Departures from the published code: the channel gain is applied to a copy, so that it doesn't compound over the epochs;
brightness, contrast and saturation are changed in this order, not in a random one; all images of a batch lose the
same share of their resolution at a level, so that resizing is one operation; shrinking is anti-aliased, as a camera is.
"""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from downstream.pw3d.recipe import ShapeAugmentation
from liftedcl.views.rgb import GREY

GAINS, JITTERS = 3, 3


def draw_colours(recipe: ShapeAugmentation, rng: np.random.Generator) -> np.ndarray:
    """One sample's factors (6,): gain of the channels, then brightness, contrast and saturation (1 changes nothing).

    Every call uses the generator equally often. Either all three jitters are applied or none.
    """
    gain = rng.uniform(*recipe.channel_gain, size=GAINS)
    jitter = rng.uniform(1 - recipe.jitter, 1 + recipe.jitter, size=JITTERS)
    return np.concatenate([gain, jitter if rng.random() < recipe.jitter_probability else np.ones(JITTERS)])


def change_colours(images: Tensor, factors: Tensor) -> Tensor:
    """Images (B, 3, S, S) in [0, 1] under ``factors`` (B, 6) of `draw_colours`."""
    images = (images * factors[:, :GAINS, None, None]).clamp(0, 1)
    brightness, contrast, saturation = (factors[:, GAINS + n, None, None, None] for n in range(JITTERS))
    images = (images * brightness).clamp(0, 1)
    images = torch.lerp(_grey(images).mean(dim=(2, 3), keepdim=True), images, contrast).clamp(0, 1)
    return torch.lerp(_grey(images), images, saturation).clamp(0, 1)


def lose_resolution(images: Tensor, size: int) -> Tensor:
    """Images (B, 3, S, S) in [0, 1] as a camera of ``size`` px would have seen them, enlarged to S again; bicubic."""
    side = images.shape[-1]
    small = F.interpolate(images, size=(size, size), mode="bicubic", antialias=True)
    small = (small.clamp(0, 1) * 255).round() / 255  # images are stored with 8 bits
    return F.interpolate(small, size=(side, side), mode="bicubic").clamp(0, 1)


def pyramid(images: Tensor, sizes: tuple[int, ...]) -> Tensor:
    """Images (B, 3, S, S) in [0, 1] at each resolution of ``sizes`` (K), level by level: (K B, 3, S, S)."""
    whole = images.shape[-1]
    return torch.cat([images if size == whole else lose_resolution(images, size) for size in sizes])


def _grey(images: Tensor) -> Tensor:
    red, green, blue = images.split(1, dim=1)
    return red * GREY[0] + green * GREY[1] + blue * GREY[2]
