"""The shared area of two views, resampled from both feature maps to one grid, with the gradient of the query's map."""

import functools
from collections.abc import Callable, Iterator

import torch
from torch import Tensor
from torch.nn import functional as F
from torchvision.ops import roi_align

from benchmarks import published
from benchmarks.recipes import PAPER
from benchmarks.runner import FLOOR, OURS, PEER, PUBLISHED, Case, Variant, timed
from liftedcl.views.align import align, shared_area
from liftedcl.views.view_draw import Geometry, draw_views

CORES = 2

_CHANNELS, _CELLS, _GRID = 128, 8, 16  # the equivariant projector's map, and the grid of the paper

Align = Callable[[Tensor, Geometry, Tensor, int], Tensor]


def cases(smoke: bool) -> Iterator[Case]:
    for count, goal in ((4, None),) if smoke else ((32, 2.5), (128, 6.0)):
        torch.manual_seed(count)
        geometries = random_pair(count, torch.device("cpu"))
        query, key = (torch.randn(count, _CHANNELS, _CELLS, _CELLS) for _ in range(2))
        upstream = torch.randn(count, _CHANNELS, _GRID, _GRID)
        both = functools.partial(both_views, query=query, key=key, upstream=upstream, geometries=geometries)
        yield Case(
            name=f"alignment, N = {count}",
            variants=[
                Variant(OURS, "two matrix products", timed(functools.partial(both, align))),
                Variant(PUBLISHED, "loop over samples", timed(functools.partial(both, published.align))),
                Variant(PEER, "torchvision roi_align", timed(functools.partial(both, roi_aligned))),
                Variant(PEER, "torch grid_sample", timed(functools.partial(both, _grid_sample))),
                Variant(
                    FLOOR,
                    "reading and writing the maps, no more",
                    timed(functools.partial(_traffic, query, upstream, *(torch.empty_like(upstream) for _ in "12"))),
                ),
            ],
            items=count,
            unit="pairs",
            check=functools.partial(check, both),
            goal=goal,
            note="both views forward, one backward; the published way rounds the area to whole cells",
        )


def random_pair(count: int, device: torch.device) -> tuple[Geometry, Geometry]:
    """The geometries of two views of ``count`` crops."""
    views, crops = PAPER.encoders["liftedcl_in_cc"].views, PAPER.crops
    first, second = (draw_views(count, crops.height, crops.width, views, device).geometry for _ in range(2))
    return first, second


def both_views(
    way: Align, *, query: Tensor, key: Tensor, upstream: Tensor, geometries: tuple[Geometry, Geometry]
) -> tuple[Tensor, Tensor, Tensor]:
    """Align query and key maps (N, C, h, w) by ``way``, and back-propagate ``upstream`` (N, C, S, S).

    Returns:
        Aligned query and aligned key, both (N, C, S, S) and 0 for pairs without overlap; gradient of the query's map.
    """
    query = query.detach().requires_grad_()
    area, overlap = shared_area(*geometries)
    with torch.no_grad():
        aligned_key = torch.where(overlap[:, None, None, None], way(key, geometries[1], area, upstream.shape[-1]), 0.0)
    aligned_query = torch.where(overlap[:, None, None, None], way(query, geometries[0], area, upstream.shape[-1]), 0.0)
    (gradient,) = torch.autograd.grad(aligned_query, query, upstream)
    return aligned_query.detach(), aligned_key, gradient


def check(both: Callable[[Align], tuple[Tensor, Tensor, Tensor]]) -> None:
    """Ours, roi_align and grid_sample agree, in gradients too; the published way rounds and agrees in shape only."""
    ours = both(align)
    for way in (roi_aligned, _grid_sample):
        for mine, theirs in zip(ours, both(way), strict=True):
            assert torch.allclose(mine, theirs, atol=2e-5), f"{way.__name__}: {(mine - theirs).abs().max():.1e} apart"
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


def _traffic(maps: Tensor, upstream: Tensor, first: Tensor, second: Tensor) -> None:
    """Read two maps and the upstream gradient, write two grids and one gradient."""
    first.copy_(upstream)
    second.copy_(upstream)
    maps.clone().copy_(maps)
