"""Images as the encoder saw them in pre-training: RGB with ImageNet's statistics, channels innermost in memory."""

import torch
from torch import Tensor

from downstream.samples.device_crops import UncutCrops, cut_on
from liftedcl.views.rendering import normalise


def to_network(images: Tensor) -> Tensor:
    """RGB in [0, 1], (B, 3, H, W)."""
    return normalise(images).contiguous(memory_format=torch.channels_last)


def pixels_to_network(pixels: Tensor | UncutCrops, device: torch.device) -> Tensor:
    """uint8 RGB (B, 3, H, W), brought to ``device``, or crops that are cut there."""
    if isinstance(pixels, UncutCrops):
        return to_network(cut_on(pixels, device) / 255.0)
    return to_network(pixels.to(device, non_blocking=True).float() / 255.0)
