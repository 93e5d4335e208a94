"""Crops without augmentation, on which a network is monitored and drawn while it trains."""

import numpy as np
import torch
from torch import Tensor

from liftedcl.views.rendering import normalise, resample
from liftedcl.views.view_draw import Geometry


def whole_views(crops: np.ndarray, size: tuple[int, int], device: torch.device) -> Tensor:
    """Crops (N, H, W, 3) uint8 RGB -> normalised views (N, 3, *size) of the whole crops, not flipped."""
    images = torch.from_numpy(np.ascontiguousarray(crops.transpose(0, 3, 1, 2))).to(device).float() / 255.0
    count, _, height, width = images.shape
    boxes = torch.tensor([0.0, 0.0, width, height], device=device).expand(count, 4)
    return normalise(resample(images, Geometry(boxes, torch.zeros(count, dtype=torch.bool, device=device)), size))
