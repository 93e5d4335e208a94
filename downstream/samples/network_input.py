"""Images as the encoder saw them in pre-training: RGB with ImageNet's statistics, channels innermost in memory."""

import torch
from torch import Tensor

from downstream.samples.device_crops import UncutCrops, cut_on
from liftedcl.views.rendering import normalise


def to_network(images: Tensor) -> Tensor:
    """RGB in [0, 1], (B, 3, H, W)."""
    return normalise(images).contiguous(memory_format=torch.channels_last)


def mirrored_too(images: Tensor) -> Tensor:
    """Images (B, 3, H, W) and behind them their mirror images, (2 B, 3, H, W): one batch for the flip test."""
    return torch.cat([images, images.flip(3)])


def pixels_to_network(pixels: Tensor | UncutCrops, device: torch.device) -> Tensor:
    """uint8 RGB (B, 3, H, W), brought to ``device``, or crops that are cut there."""
    return to_network(pixels_on(pixels, device) / 255.0)


def pixels_on(pixels: Tensor | UncutCrops, device: torch.device) -> Tensor:
    """The same on ``device``, grey levels from 0 to 255 as float32."""
    if isinstance(pixels, UncutCrops):
        return cut_on(pixels, device)
    return pixels.to(device, non_blocking=True).float()
