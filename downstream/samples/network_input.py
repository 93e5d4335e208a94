"""Images as the encoder saw them in pre-training: RGB with ImageNet's statistics, channels innermost in memory."""

import torch
from torch import Tensor

from liftedcl.views.rendering import normalise


def to_network(images: Tensor) -> Tensor:
    """RGB in [0, 1], (B, 3, H, W)."""
    return normalise(images).contiguous(memory_format=torch.channels_last)


def pixels_to_network(pixels: Tensor, device: torch.device) -> Tensor:
    """uint8 RGB (B, 3, H, W), brought to ``device``."""
    return to_network(pixels.to(device).float() / 255.0)
