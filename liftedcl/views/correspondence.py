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
def close_in_image(
    first: Geometry, second: Geometry, image: tuple[int, int], size: tuple[int, int], threshold: float
) -> Tensor:
    """The pairs of cells whose centres lie less than ``threshold`` apart in the image, in diagonals of a cell.

    PixPro (Xie et al. 2021, equation 1). A cell is a bin of its view's crop, so its size in the image depends on the
    view. What the paper leaves open is as in the published code: the larger diagonal counts, and lengths are shares of
    the image's width and height, from the middle of its first pixel to that of its last.

    ``image`` is height and width of the images in px, ``size`` h and w of both maps. Returns (B, N, N) bool, cells of
    the first view by cells of the second.
    """
    (x, y), (other_x, other_y) = (_centres(geometry, image, *size) for geometry in (first, second))
    across = (x[:, :, None] - other_x[:, None, :]).square()  # (B, w, w)
    down = (y[:, :, None] - other_y[:, None, :]).square()  # (B, h, h)
    distance = down[:, :, None, :, None] + across[:, None, :, None, :]  # squared, (B, h, w, h, w)
    extents = (_shares(of, image)[:, 2:] for of in (first, second))
    diagonal = torch.maximum(  # of a cell, squared, (B,)
        *((extent[:, 0] / size[1]).square() + (extent[:, 1] / size[0]).square() for extent in extents)
    )
    close = distance < threshold**2 * diagonal[:, None, None, None, None]
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
def attended_pairs(first: Tensor, second: Tensor, *, attention: float, similarity: float) -> Tensor:
    """Pairs of two maps' (B, C, h, w) attended cells whose cosine is at least ``similarity``.

    SetSim (Wang et al. 2022), by its published code. ``attention`` is the threshold of `attended`. Returns (B, N, N)
    bool, cells of the first map by cells of the second.
    """
    with torch.autocast(first.device.type, enabled=False):
        unit = [F.normalize(features.float().flatten(2), dim=1) for features in (first, second)]
        alike = unit[0].transpose(1, 2) @ unit[1] >= similarity
    return attended(first, attention)[:, :, None] & attended(second, attention)[:, None, :] & alike


def _shares(geometry: Geometry, image: tuple[int, int]) -> Tensor:
    """Boxes (B, 4), x, y, width, height, from first to last pixel, in shares of the way between the image's own."""
    last_row, last_column = (side - 1 for side in image)
    x, y, width, height = geometry.boxes.unbind(dim=1)
    return torch.stack([x / last_column, y / last_row, (width - 1) / last_column, (height - 1) / last_row], dim=1)


def _centres(geometry: Geometry, image: tuple[int, int], height: int, width: int) -> tuple[Tensor, Tensor]:
    """Centres of a view's cells in shares of the image: x of the columns (B, w), y of the rows (B, h)."""
    x, y, box_width, box_height = _shares(geometry, image)[:, :, None].unbind(dim=1)
    columns = (torch.arange(width, device=x.device) + 0.5) / width
    rows = (torch.arange(height, device=x.device) + 0.5) / height
    columns = torch.where(geometry.flips[:, None], 1.0 - columns, columns)
    return x + columns * box_width, y + rows * box_height
