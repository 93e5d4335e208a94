"""What the encoder gets: RGB with ImageNet's statistics, or depth as HCMoCo's depth encoder gets it."""

import torch
from torch import Tensor

from downstream.samples.network_input import pixels_to_network


def network_input(images: Tensor, device: torch.device) -> Tensor:
    """Images (B, 3, S, S) uint8, or depth (B, 1, S, S) float32 in metres, to (B, 3, S, S) on ``device``."""
    if images.dtype == torch.uint8:
        return pixels_to_network(images, device)
    return centred_depth(images.to(device, non_blocking=True))


def centred_depth(depth: Tensor) -> Tensor:
    """Depth (B, 1, S, S) in metres minus the mean of each map's valid pixels, three times; holes, which are 0, stay."""
    valid = depth > 0
    count = valid.sum(dim=(1, 2, 3), keepdim=True).clamp(min=1)
    mean = depth.sum(dim=(1, 2, 3), keepdim=True) / count
    centred = torch.where(valid, depth - mean, 0.0)
    return centred.expand(-1, 3, -1, -1).contiguous(memory_format=torch.channels_last)
