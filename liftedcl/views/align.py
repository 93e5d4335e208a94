"""Inverse geometry: the area that two views share, resampled from each feature map to one grid (paper, appendix C).

Departs from the released code, which rounds the area to whole cells of the map: here it is sampled exactly. The area is
axis-aligned, so bilinear sampling is two small matrix products. Unlike that of grid_sample, their gradient is
deterministic on a GPU.
"""

import torch
from torch import Tensor

from liftedcl.views.view_draw import Geometry


def shared_area(first: Geometry, second: Geometry) -> tuple[Tensor, Tensor]:
    """The intersections (B, 4) of two views' boxes, as x, y, width, height in image pixels, and which overlap (B,).

    The box of a pair without overlap has no meaning.
    """
    start = torch.maximum(first.boxes[:, :2], second.boxes[:, :2])
    end = torch.minimum(first.boxes[:, :2] + first.boxes[:, 2:], second.boxes[:, :2] + second.boxes[:, 2:])
    extent = end - start
    return torch.cat([start, extent], dim=1), (extent > 0).all(dim=1)


def align(features: Tensor, geometry: Geometry, area: Tensor, size: int) -> Tensor:
    """Sample ``area`` of the image from a view's feature map, undoing crop and flip.

    Args:
        features: (B, C, h, w), the map of the whole view.
        area: (B, 4), see `shared_area`.
        size: S, cells of the grid along each side.

    Returns:
        (B, C, S, S); cell (i, j) shows the same place of the image for both views.
    """
    centres = (torch.arange(size, device=features.device) + 0.5) / size
    position = area[:, :2, None] + centres * area[:, 2:, None]  # (B, 2, S) in image pixels
    position = (position - geometry.boxes[:, :2, None]) / geometry.boxes[:, 2:, None]  # share of the view
    x = torch.where(geometry.flips[:, None], 1.0 - position[:, 0], position[:, 0])
    height, width = features.shape[2:]
    with torch.autocast(features.device.type, enabled=False):  # bfloat16 would round the positions
        rows, columns = _linear_weights(position[:, 1], height), _linear_weights(x, width)
        # Channels come last in memory, as networks give them and as the vectors of cells are read.
        maps = features.float().permute(0, 2, 3, 1).flatten(2)  # (B, h, w C)
        down = (rows @ maps).unflatten(2, (width, -1))  # (B, S, w, C): two plain products, faster than one einsum
        return (columns[:, None] @ down).permute(0, 3, 1, 2)


def _linear_weights(position: Tensor, cells: int) -> Tensor:
    """Weights (B, S, cells) that interpolate a row of cells linearly at ``position`` (B, S), in shares of its length.

    Positions beyond the outermost centres take the outermost cell.
    """
    place = (position * cells - 0.5).clamp(0, cells - 1)
    return (1.0 - (place[..., None] - torch.arange(cells, device=position.device)).abs()).clamp_min(0)
