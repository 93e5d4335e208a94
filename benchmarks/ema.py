"""The momentum update of ResNet-50 and its two projectors: key <- m key + (1 - m) query."""

import copy
from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from benchmarks.parts import published
from benchmarks.recipes import PAPER
from benchmarks.runner import FLOOR, OURS, PEER, PUBLISHED, Case, Variant, timed
from liftedcl.networks.encoder import build_backbone
from liftedcl.networks.keys import KeyEncoder
from liftedcl.networks.projectors import MapProjector, VectorProjector

CORES = 2

_MOMENTUM = PAPER.encoders["liftedcl_in_cc"].contrast.key_momentum


def cases(smoke: bool) -> Iterator[Case]:
    torch.manual_seed(0)
    backbone, heads = networks("resnet18_narrow" if smoke else "resnet50")
    query = nn.ModuleList([backbone, heads])
    key = KeyEncoder(backbone, heads)
    plain = copy.deepcopy(query).requires_grad_(False)
    averaged = AveragedModel(query, multi_avg_fn=get_ema_multi_avg_fn(_MOMENTUM))
    averaged.update_parameters(query)  # the first call copies
    numbers = sum(parameter.numel() for parameter in query.parameters())
    flat_key, flat_query = torch.randn(numbers), torch.randn(numbers)
    yield Case(
        name="momentum update, ResNet-50 and projectors",
        variants=[
            Variant(OURS, "one fused update", timed(lambda: key.follow(backbone, heads, _MOMENTUM))),
            Variant(PUBLISHED, "loop over parameters", timed(lambda: published.follow(plain, query, _MOMENTUM))),
            Variant(PEER, "torch.optim.swa_utils", timed(lambda: averaged.update_parameters(query))),
            Variant(FLOOR, "the same numbers as one tensor", timed(lambda: flat_key.lerp_(flat_query, 1 - _MOMENTUM))),
        ],
        items=1,
        unit="updates",
        check=lambda: check(query, backbone, heads),
        note=f"{numbers / 1e6:.1f} million parameters",
    )


def networks(name: str) -> tuple[nn.Module, nn.ModuleDict]:
    """A backbone and the two projectors of the paper's size."""
    contrast = PAPER.encoders["liftedcl_in_cc"].contrast
    backbone = build_backbone(name)
    sizes = {"hidden": contrast.hidden, "dimension": contrast.dimension}
    heads = {kind.__name__: kind(backbone.out_channels, **sizes) for kind in (VectorProjector, MapProjector)}
    return backbone, nn.ModuleDict(heads)


@torch.no_grad()
def check(query: nn.Module, backbone: nn.Module, heads: nn.ModuleDict) -> None:
    """After two updates towards a moved query, all ways hold the same numbers."""
    moved = copy.deepcopy(query)
    for parameter in moved.parameters():
        parameter.add_(torch.randn_like(parameter))
    key, plain = KeyEncoder(backbone, heads), copy.deepcopy(query).requires_grad_(False)
    averaged = AveragedModel(query, multi_avg_fn=get_ema_multi_avg_fn(_MOMENTUM))
    averaged.update_parameters(query)
    for _ in range(2):
        key.follow(*moved, _MOMENTUM)
        published.follow(plain, moved, _MOMENTUM)
        averaged.update_parameters(moved)
    expected = [_expected(old, new) for old, new in zip(query.parameters(), moved.parameters(), strict=True)]
    for network in (key, plain, averaged.module):
        for value, wanted in zip(network.parameters(), expected, strict=True):
            assert torch.allclose(value, wanted, rtol=1e-5, atol=1e-6)


def _expected(old: Tensor, new: Tensor) -> Tensor:
    return old * _MOMENTUM**2 + new * (1.0 - _MOMENTUM**2)
