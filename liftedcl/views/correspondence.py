"""Which cells of two views' feature maps belong together, by their features, place or attention.

A map (B, C, h, w) has N = h w cells, counted row by row. No gradient passes through a correspondence.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from liftedcl.views.view_draw import Geometry


@torch.no_grad()
def most_similar(first: Tensor, second: Tensor) -> Tensor:
    """For each cell of the first map (B, C, h, w), the cell of the second with the most similar vector by cosine.

    DenseCL (Wang et al. 2021, section 3.4). Returns (B, N) int64, cells of the second map.
    """
    with torch.autocast(first.device.type, enabled=False):  # in bfloat16 the cosines of many cells would be equal
        # Only the second map is normalised: a cell's own length doesn't change which cell is nearest to it.
        similarity = first.float().flatten(2).transpose(1, 2) @ F.normalize(second.float().flatten(2), dim=1)
    return similarity.argmax(dim=2)


def matched(vectors: Tensor, matches: Tensor) -> Tensor:
    """The vectors (B, N, D) of the cells ``matches`` (B, N) int64, taken from all ``vectors`` (B, N, D) of a map."""
    return vectors.gather(1, matches[..., None].expand(-1, -1, vectors.shape[2]))


@torch.no_grad()
def close_in_image(first: Geometry, second: Geometry, size: tuple[int, int], threshold: float) -> Tensor:
    """The pairs of cells whose centres lie at most ``threshold`` apart in the image, in diagonals of a cell.

    PixPro (Xie et al. 2021, equation 1). A cell is a bin of its view's crop, so its size in the image depends on the
    view. The paper doesn't say whose diagonal counts; here it is the larger one, as in the published code.

    ``size`` is h and w of both maps. Returns (B, N, N) bool, cells of the first view by cells of the second.
    """
    (x, y), (other_x, other_y) = (_centres(geometry, *size) for geometry in (first, second))
    across = (x[:, :, None] - other_x[:, None, :]).square()  # (B, w, w)
    down = (y[:, :, None] - other_y[:, None, :]).square()  # (B, h, h)
    distance = down[:, :, None, :, None] + across[:, None, :, None, :]  # squared, (B, h, w, h, w)
    diagonal = torch.maximum(  # of a cell, squared, in image pixels, (B,)
        *((of.boxes[:, 2] / size[1]).square() + (of.boxes[:, 3] / size[0]).square() for of in (first, second))
    )
    # At most, as in the paper; the published code excludes the threshold itself.
    close = distance <= threshold**2 * diagonal[:, None, None, None, None]
    return close.flatten(3).flatten(1, 2)


@torch.no_grad()
def attended(features: Tensor, threshold: float) -> Tensor:
    """Cells of an attention, scaled to 0..1 in a map, from ``threshold`` on: (B, C, h, w) -> (B, N) bool.

    SetSim (Wang et al. 2022). Attention is the mean square over the channels. The set always holds the largest cell,
    and all cells of a constant map.
    """
    attention = features.float().square().mean(dim=1).flatten(1)
    low, high = attention.amin(dim=1, keepdim=True), attention.amax(dim=1, keepdim=True)
    return attention - low >= threshold * (high - low)


@torch.no_grad()
def set_pairs(first: Tensor, second: Tensor, threshold: float) -> Tensor:
    """Pairs of two maps' (B, C, h, w) sets of attended cells, and of the first set and its neighbours in the second.

    SetSim (Wang et al. 2022). A cell's neighbour is the most similar cell. Returns (B, N, N) bool, cells of the first
    map by cells of the second; cells outside the first set have no pair.
    """
    cells = torch.arange(second.shape[2] * second.shape[3], device=second.device)
    nearest = most_similar(first, second)[:, :, None] == cells
    return attended(first, threshold)[:, :, None] & (attended(second, threshold)[:, None, :] | nearest)


def _centres(geometry: Geometry, height: int, width: int) -> tuple[Tensor, Tensor]:
    """Centres of a view's cells in image pixels: x of the columns (B, w), y of the rows (B, h)."""
    x, y, box_width, box_height = geometry.boxes[:, :, None].unbind(dim=1)
    columns = (torch.arange(width, device=x.device) + 0.5) / width
    rows = (torch.arange(height, device=x.device) + 0.5) / height
    columns = torch.where(geometry.flips[:, None], 1.0 - columns, columns)
    return x + columns * box_width, y + rows * box_height
