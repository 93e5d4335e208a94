"""Projection heads of the contrastive losses (paper, appendix C): no batch norm, no normalisation of the output."""

from torch import Tensor, nn
from torch.nn import functional as F


class VectorProjector(nn.Module):
    """The invariant projector: (B, C, h, w) -> global average pooling -> two-layer MLP -> unit vectors (B, D)."""

    def __init__(self, channels: int, *, hidden: int, dimension: int):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(channels, hidden), nn.ReLU(inplace=True), nn.Linear(hidden, dimension))

    def forward(self, features: Tensor) -> Tensor:
        return F.normalize(self.layers(features.mean(dim=(2, 3))), dim=1)


class MapProjector(nn.Module):
    """The equivariant projector: two 1x1 convolutions, (B, C, h, w) -> (B, D, h, w); normalised after alignment."""

    def __init__(self, channels: int, *, hidden: int, dimension: int):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(channels, hidden, kernel_size=1), nn.ReLU(inplace=True), nn.Conv2d(hidden, dimension, 1)
        )

    def forward(self, features: Tensor) -> Tensor:
        return self.layers(features)
