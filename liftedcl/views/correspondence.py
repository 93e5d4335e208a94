"""Which cells of two views' feature maps belong together: by their features, by their place, by their attention.

A map (B, C, h, w) has N = h w cells, counted row by row. No gradient passes through a correspondence.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from liftedcl.views.view_draw import Geometry


@torch.no_grad()
def most_similar(first: Tensor, second: Tensor) -> Tensor:
    """For each cell of the first map, the cell of the second whose vector is most similar by cosine.

    DenseCL (Wang et al. 2021, section 3.4).

    Args:
        first, second: (B, C, h, w) each.

    Returns:
        (B, N) int64, cells of the second map.
    """
    with torch.autocast(first.device.type, enabled=False):  # in bfloat16 the cosines of many cells would be equal
        # Only the second map is normalised: a cell's own length doesn't change which cell is nearest to it.
        similarity = first.float().flatten(2).transpose(1, 2) @ F.normalize(second.float().flatten(2), dim=1)
    return similarity.argmax(dim=2)


def matched(vectors: Tensor, matches: Tensor) -> Tensor:
    """Of a map's vectors (B, N, D), those of the cells ``matches`` (B, N) int64: (B, N, D)."""
    return vectors.gather(1, matches[..., None].expand(-1, -1, vectors.shape[2]))


@torch.no_grad()
def close_in_image(first: Geometry, second: Geometry, size: tuple[int, int], threshold: float) -> Tensor:
    """The pairs of cells whose centres lie at most ``threshold`` apart in the image, in diagonals of a cell.

    PixPro (Xie et al. 2021, equation 1). A cell is a bin of its view's crop, so its size in the image depends on the
    view. Where the paper doesn't say which view's diagonal counts, the larger does, as in the published code.

    Args:
        first, second: where the views come from.
        size: h and w, the same for both maps.

    Returns:
        (B, N, N) bool, cells of the first view by cells of the second.
    """
    (x, y), (other_x, other_y) = (_centres(geometry, *size) for geometry in (first, second))
    across = (x[:, :, None] - other_x[:, None, :]).square()  # (B, w, w)
    down = (y[:, :, None] - other_y[:, None, :]).square()  # (B, h, h)
    distance = down[:, :, None, :, None] + across[:, None, :, None, :]  # squared, (B, h, w, h, w)
    diagonal = torch.maximum(*(_squared_diagonal(geometry, *size) for geometry in (first, second)))
    # At most, as in the paper; the published code asks for less than the threshold.
    close = distance <= threshold**2 * diagonal[:, None, None, None, None]
    return close.flatten(3).flatten(1, 2)


@torch.no_grad()
def attended(features: Tensor, threshold: float) -> Tensor:
    """The cells whose attention, scaled to 0..1 within each map, is at least ``threshold``.

    SetSim (Wang et al. 2022). Attention is the mean square over the channels. The largest cell is always in the set; of
    a constant map all cells are.

    Args:
        features: (B, C, h, w).

    Returns:
        (B, N) bool.
    """
    attention = features.float().square().mean(dim=1).flatten(1)
    low, high = attention.amin(dim=1, keepdim=True), attention.amax(dim=1, keepdim=True)
    return attention - low >= threshold * (high - low)


@torch.no_grad()
def set_pairs(first: Tensor, second: Tensor, threshold: float) -> Tensor:
    """Pairs of two views' sets of attended cells, and of the first set and its nearest neighbours in the second map.

    SetSim (Wang et al. 2022).

    Args:
        first, second: (B, C, h, w) each.
        threshold: see `attended`.

    Returns:
        (B, N, N) bool, cells of the first map by cells of the second; none for a cell outside the first set.
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


def _squared_diagonal(geometry: Geometry, height: int, width: int) -> Tensor:
    """Squared diagonal of a view's cell in image pixels, (B,)."""
    return (geometry.boxes[:, 2] / width).square() + (geometry.boxes[:, 3] / height).square()
