"""Which patches of a view are hidden: a fixed number of them, evenly or the person's first."""

import math
from fractions import Fraction

import torch
from torch import Tensor

from liftedcl.views.view_draw import Geometry


def hidden_count(ratio: float, patches: int) -> int:
    """floor(ratio * patches), of the ratio as it is written: 0.29 of 100 patches are 29."""
    return math.floor(Fraction(str(ratio)) * patches)


def draw_masks(on_person: Tensor, ratio: float, preference: float) -> tuple[Tensor, Tensor]:
    """Draw the hidden patches of each view, from the global torch generator.

    The score of a patch is U(0, 1), and ``preference`` more where it overlaps the person; the highest are hidden.

    Args:
        on_person: (B, N) bool.

    Returns:
        The places of the hidden patches, (B, floor(ratio N)), and of the visible ones, each ascending, int64.
    """
    scores = torch.rand(on_person.shape, device=on_person.device) + preference * on_person
    order = scores.argsort(dim=1, descending=True)
    hidden, visible = order.tensor_split([hidden_count(ratio, on_person.shape[1])], dim=1)
    return hidden.sort(dim=1).values, visible.sort(dim=1).values


def fixed_masks(count: int, patches: int, ratio: float) -> tuple[Tensor, Tensor]:
    """The hidden and the visible patches of ``count`` views, drawn evenly and the same in every call.

    Their places are (count, floor(ratio N)) and the rest, int64, on the CPU.
    """
    order = torch.rand(count, patches, generator=torch.Generator().manual_seed(0)).argsort(dim=1)
    hidden, visible = order.tensor_split([hidden_count(ratio, patches)], dim=1)
    return hidden, visible


def patches_on_person(geometry: Geometry, people: Tensor, grid: tuple[int, int]) -> Tensor:
    """Which patches of a view overlap the person's box.

    Args:
        geometry: of B views.
        people: (B, 4), x, y, width, height of each person in pixels of the image.
        grid: rows and columns of patches.

    Returns:
        (B, rows * columns) bool, row by row.
    """
    x, y, w, h = geometry.boxes.unbind(dim=1)
    left, top = (people[:, 0] - x) / w, (people[:, 1] - y) / h  # in shares of the view
    right, bottom = left + people[:, 2] / w, top + people[:, 3] / h
    left, right = torch.where(geometry.flips, 1 - right, left), torch.where(geometry.flips, 1 - left, right)
    rows, columns = (_overlaps(*ends, cells) for ends, cells in zip(((top, bottom), (left, right)), grid, strict=True))
    return (rows[:, :, None] & columns[:, None, :]).flatten(1)


def _overlaps(start: Tensor, end: Tensor, cells: int) -> Tensor:
    """Which of ``cells`` equal parts of [0, 1] share more than a point with [start, end], (B, cells)."""
    edges = torch.arange(cells + 1, device=start.device) / cells
    return (edges[:-1] < end[:, None]) & (edges[1:] > start[:, None])
