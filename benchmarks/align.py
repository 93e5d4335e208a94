"""The shared area of two views, resampled from both feature maps to one grid, with the gradient of the query's map.

Maps have their channels last in memory, as the projector gives them. What is sampled of pairs without overlap has no
meaning: the loss leaves them out.
"""

import functools
from collections.abc import Callable, Iterator

import torch
from torch import Tensor
from torch.nn import functional as F
from torchvision.ops import roi_align

from benchmarks.parts import published
from benchmarks.recipes import PAPER
from benchmarks.runner import FLOOR, OURS, PEER, PUBLISHED, Case, Figure, Variant, timed
from liftedcl.views.align import align, shared_area
from liftedcl.views.view_draw import Geometry, draw_views

CORES = 2

_CHANNELS, _CELLS, _GRID = 128, 8, 16  # the equivariant projector's map, and the grid of the paper

_OURS, _GRID_SAMPLE, _PRODUCTS = "two matrix products", "torch grid_sample", "the products, no more"

Align = Callable[[Tensor, Geometry, Tensor, int], Tensor]


def cases(smoke: bool) -> Iterator[Case]:
    for count, goal in ((4, None),) if smoke else ((32, 2.5), (128, 6.0)):
        torch.manual_seed(count)
        geometries = random_pair(count, torch.device("cpu"))
        query, key, upstream = random_maps(count, torch.device("cpu"))
        both = functools.partial(both_views, query=query, key=key, upstream=upstream, geometries=geometries)
        yield Case(
            name=f"alignment, N = {count}",
            variants=[
                Variant(OURS, _OURS, timed(functools.partial(both, align))),
                Variant(PUBLISHED, "loop over samples", timed(functools.partial(both, published.align))),
                Variant(PEER, "torchvision roi_align", timed(functools.partial(both, roi_aligned))),
                Variant(PEER, _GRID_SAMPLE, timed(functools.partial(both, _grid_sample))),
                Variant(FLOOR, _PRODUCTS, timed(functools.partial(_products, query, key, upstream))),
            ],
            items=count,
            unit="pairs",
            check=functools.partial(check, both, geometries),
            goal=goal,
            note="both views forward, one backward; the published way rounds the area to whole cells",
            figures=lambda medians: [
                Figure("ours is faster than grid_sample by", medians[_GRID_SAMPLE] / medians[_OURS], "x", at_least=1.5),
                Figure("of ours, its products alone", medians[_PRODUCTS] / medians[_OURS], ""),
            ],
        )


def random_pair(count: int, device: torch.device) -> tuple[Geometry, Geometry]:
    """The geometries of two views of ``count`` crops."""
    views, crops = PAPER.encoders["liftedcl_in_cc"].views, PAPER.crops
    first, second = (draw_views(count, crops.height, crops.width, views, device).geometry for _ in range(2))
    return first, second


def random_maps(count: int, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """Query and key maps of ``count`` pairs, and the gradient of the query's grid."""
    sides = (_CELLS, _CELLS, _GRID)
    maps = (torch.randn(count, _CHANNELS, side, side, device=device) for side in sides)
    query, key, upstream = (one.contiguous(memory_format=torch.channels_last) for one in maps)
    return query, key, upstream


def both_views(
    way: Align, *, query: Tensor, key: Tensor, upstream: Tensor, geometries: tuple[Geometry, Geometry]
) -> tuple[Tensor, Tensor, Tensor]:
    """Align query and key maps (N, C, h, w) by ``way``, and back-propagate ``upstream`` (N, C, S, S).

    Returns:
        Aligned query and aligned key, both (N, C, S, S); gradient of the query's map.
    """
    query = query.detach().requires_grad_()
    area, _ = shared_area(*geometries)
    with torch.no_grad():
        aligned_key = way(key, geometries[1], area, upstream.shape[-1])
    aligned_query = way(query, geometries[0], area, upstream.shape[-1])
    (gradient,) = torch.autograd.grad(aligned_query, query, upstream)
    return aligned_query.detach(), aligned_key, gradient


def check(both: Callable[[Align], tuple[Tensor, Tensor, Tensor]], geometries: tuple[Geometry, Geometry]) -> None:
    """Ours, roi_align and grid_sample agree, in gradients too; the published way rounds and agrees in shape only."""
    ours, (_, overlap) = both(align), shared_area(*geometries)
    for way in (roi_aligned, _grid_sample):
        for mine, theirs in zip(ours, both(way), strict=True):
            apart = (mine - theirs)[overlap].abs().max()
            assert apart < 2e-5, f"{way.__name__}: {apart:.1e} apart"
    for mine, rounded in zip(ours, both(published.align), strict=True):
        assert rounded.shape == mine.shape and rounded.isfinite().all()


def _shares(geometry: Geometry, area: Tensor) -> tuple[Tensor, Tensor]:
    """The area's corners as shares of the view before its flip: (N, 2) start and end, x and y."""
    start = (area[:, :2] - geometry.boxes[:, :2]) / geometry.boxes[:, 2:]
    return start, start + area[:, 2:] / geometry.boxes[:, 2:]


def _unflipped(features: Tensor, geometry: Geometry) -> Tensor:
    return torch.where(geometry.flips[:, None, None, None], features.flip(3), features)


def roi_aligned(features: Tensor, geometry: Geometry, area: Tensor, size: int) -> Tensor:
    start, end = _shares(geometry, area)
    rows = torch.arange(len(features), device=features.device, dtype=features.dtype)[:, None]
    boxes = torch.cat([rows, start * features.shape[-1], end * features.shape[-1]], dim=1)
    return roi_align(_unflipped(features, geometry), boxes, size, sampling_ratio=1, aligned=True)


def _grid_sample(features: Tensor, geometry: Geometry, area: Tensor, size: int) -> Tensor:
    start, end = _shares(geometry, area)
    steps = (torch.arange(size, device=features.device) + 0.5) / size
    x, y = (2.0 * torch.lerp(start[..., None], end[..., None], steps) - 1.0).unbind(dim=1)  # (N, S) each
    grid = torch.stack([x[:, None, :].expand(-1, size, -1), y[:, :, None].expand(-1, -1, size)], dim=-1)
    return F.grid_sample(_unflipped(features, geometry), grid, padding_mode="border", align_corners=False)


def _products(query: Tensor, key: Tensor, upstream: Tensor) -> None:
    """The matrix products of both views forward and of one backward, with weights that are there."""
    weights = torch.rand(len(query), _GRID, _CELLS, device=query.device)
    for maps in (query, key):
        down = weights @ maps.permute(0, 2, 3, 1).flatten(2)
        weights[:, None] @ down.unflatten(2, (_CELLS, -1))
    back = weights.mT[:, None] @ upstream.permute(0, 2, 3, 1)
    weights.mT @ back.flatten(2)
