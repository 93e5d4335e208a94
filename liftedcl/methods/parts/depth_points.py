"""Random points of depth maps, on the grid of joined maps."""

import torch
from torch import Tensor
from torch.nn import functional as F


def draw_points(measured: Tensor, grid: tuple[int, int], count: int) -> tuple[Tensor, Tensor]:
    """``count`` cells of each view, drawn uniformly with replacement where depth was ``measured`` (B, 1, H, W) bool.

    A view without any measurement gets cells from anywhere, which its loss has to leave out.

    Returns:
        Cells (B, count) int64, row by row, and their places (B, count, 2), column and row, float32.
    """
    usable = F.interpolate(measured.float(), size=grid, mode="nearest").flatten(1) > 0
    usable = usable | ~usable.any(dim=1, keepdim=True)
    ends = usable.long().cumsum(dim=1)  # of whole numbers: exact, and the same on every device
    wanted = (torch.rand(len(usable), count, device=usable.device) * ends[:, -1:]).long()
    cells = torch.searchsorted(ends, wanted.minimum(ends[:, -1:] - 1), right=True)
    return cells, torch.stack([cells % grid[1], cells // grid[1]], dim=2).float()
