"""The key encoder: momentum copies of a backbone and its heads, and keys made with shuffling BN (MoCo, He et al. 2020).

If a query and its key were normalised with the same images, a network could find the positive by their common
statistics. So the keys of a batch are computed in a random order over all processes and over the groups of each process
(grouped_norm.py). No image is sent: every process holds the whole batch and renders the views that the order assigns to
it. Only the heads' outputs are sent back.
"""

import copy

import torch
from torch import Tensor, nn

from liftedcl.engine import distributed
from liftedcl.views.view_pair import ViewPair


class KeyEncoder(nn.Module):
    """Copies of ``backbone`` and ``heads`` that no gradient reaches."""

    def __init__(self, backbone: nn.Module, heads: nn.ModuleDict):
        super().__init__()
        self.backbone = copy.deepcopy(backbone).requires_grad_(False)
        self.heads = copy.deepcopy(heads).requires_grad_(False)

    @torch.no_grad()
    def follow(self, backbone: nn.Module, heads: nn.ModuleDict, momentum: float) -> None:
        """key <- momentum * key + (1 - momentum) * query, all parameters in one fused update."""
        query = [*backbone.parameters()]
        for name in self.heads:
            query += heads[name].parameters()
        torch._foreach_lerp_([*self.parameters()], query, 1.0 - momentum)

    @torch.no_grad()
    def forward(self, views: Tensor) -> dict[str, Tensor]:
        """Views (B, 3, S, S) -> ``features`` (B, C, h, w), the backbone's map, and each head's output by its name."""
        features = self.backbone(views)
        return {"features": features, **{name: head(features) for name, head in self.heads.items()}}

    @torch.no_grad()
    def shuffled(self, pair: ViewPair, names: tuple[str, ...]) -> dict[str, Tensor]:
        """The outputs ``names`` of `forward` for all key views, computed in random order, given in the batch's order.

        Each is (B, ...), the whole global batch on every process.
        """
        order = torch.randperm(len(pair.images), device=pair.images.device)
        keys = self.forward(pair.render(pair.key, distributed.mine(order)))
        back = torch.argsort(order)
        return {name: distributed.gathered(keys[name])[back] for name in names}
