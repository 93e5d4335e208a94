"""The momentum copy of a network, which makes the keys (MoCo, He et al. 2020)."""

import copy

import torch
from torch import nn


def momentum_copy(network: nn.Module) -> nn.Module:
    """A copy whose parameters no gradient reaches."""
    return copy.deepcopy(network).requires_grad_(False)


@torch.no_grad()
def follow(key: nn.Module, query: nn.Module, momentum: float) -> None:
    """key <- momentum * key + (1 - momentum) * query, all parameters in one fused update."""
    torch._foreach_lerp_(list(key.parameters()), list(query.parameters()), 1.0 - momentum)
