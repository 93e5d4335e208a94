"""A semantic graph convolution network over a skeleton (Zhao et al. 2019), as HCMoCo uses it (section 3.1)."""

import numpy as np
import torch
from torch import Tensor, nn

_GAIN = 1.414


def adjacency(parents: tuple[int, ...]) -> Tensor:
    """Which joints (J, J) bool are neighbours in the tree, each its own too."""
    matrix = np.eye(len(parents), dtype=bool)
    for child, parent in enumerate(parents):
        if parent >= 0:
            matrix[child, parent] = matrix[parent, child] = True
    return torch.from_numpy(matrix)


class SemanticGraphConv(nn.Module):
    """(B, C, J, 1) -> (B, D, J, 1): one linear map for the joint itself, one for its neighbours, whose shares are a
    softmax over a learnt number for each edge."""

    edges: Tensor

    def __init__(self, channels: int, dimension: int, edges: Tensor):
        super().__init__()
        self.register_buffer("edges", edges, persistent=False)
        self.own, self.near = (nn.Conv2d(channels, dimension, kernel_size=1, bias=False) for _ in range(2))
        for layer in (self.own, self.near):
            nn.init.xavier_uniform_(layer.weight, gain=_GAIN)
        self.strength = nn.Parameter(torch.ones(int(edges.sum())))
        self.bias = nn.Parameter(torch.zeros(dimension))

    def forward(self, x: Tensor) -> Tensor:
        logits = self.strength.new_full(self.edges.shape, -torch.inf).masked_scatter(self.edges, self.strength)
        shares = logits.softmax(dim=1)
        itself = shares.diagonal()
        near = self.near(x).squeeze(3) @ (shares - torch.diag(itself)).T
        return (self.own(x).squeeze(3) * itself + near + self.bias[:, None])[..., None]


class SkeletonGraph(nn.Module):
    """Skeletons (B, J, 2) -> features of their nodes (B, J, D)."""

    def __init__(self, parents: tuple[int, ...], *, hidden: int, blocks: int, dimension: int):
        super().__init__()
        edges = adjacency(parents)
        self.first = _layer(2, hidden, edges)
        self.blocks = nn.ModuleList(
            nn.Sequential(_layer(hidden, hidden, edges), _layer(hidden, hidden, edges)) for _ in range(blocks)
        )
        self.last = SemanticGraphConv(hidden, dimension, edges)

    def forward(self, skeletons: Tensor) -> Tensor:
        x = self.first(skeletons.transpose(1, 2)[..., None])
        for block in self.blocks:
            x = x + block(x)
        return self.last(x).squeeze(3).transpose(1, 2)


def _layer(channels: int, dimension: int, edges: Tensor) -> nn.Sequential:
    # A batch norm of maps, of J x 1 cells, so that `group_batch_norms` finds it.
    return nn.Sequential(SemanticGraphConv(channels, dimension, edges), nn.BatchNorm2d(dimension), nn.ReLU())
