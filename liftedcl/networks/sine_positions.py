"""Position embeddings that are not learnt: sines and cosines of the places of a grid. No timm."""

import torch
from torch import Tensor


def sine_positions(height: int, width: int, channels: int) -> Tensor:
    """Sines and cosines of the places of a grid, (height * width, channels), row by row.

    The first half of the channels tells the column, the second the row, each half sines before cosines (the published
    codes of MAE and CroCo); the frequencies are those of the Transformer (Vaswani et al. 2017, section 3.5).
    """
    frequencies = 10000.0 ** -(torch.arange(channels // 4, dtype=torch.float64) / (channels // 4))
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    angles = [place.flatten()[:, None] * frequencies for place in (columns, rows)]
    return torch.cat([part(angle) for angle in angles for part in (torch.sin, torch.cos)], dim=1).float()
