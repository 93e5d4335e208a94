"""Projection heads of the contrastive losses. LiftedCL's (paper, appendix C) have no batch norm."""

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


class NormalisedMapProjector(nn.Module):
    """PixPro's projector (Xie et al. 2021, section 3.1): 1x1 convolution, batch norm, ReLU, 1x1 convolution.

    (B, C, h, w) -> (B, D, h, w).
    """

    def __init__(self, channels: int, *, hidden: int, dimension: int):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(channels, hidden, kernel_size=1, bias=False),  # the batch norm adds the bias
            nn.BatchNorm2d(hidden),
            nn.ReLU(inplace=True),
            nn.Conv2d(hidden, dimension, kernel_size=1),
        )

    def forward(self, features: Tensor) -> Tensor:
        return self.layers(features)


def cell_vectors(maps: Tensor) -> Tensor:
    """The cells of a map as unit vectors: (B, D, h, w) -> (B, h*w, D)."""
    return F.normalize(maps.flatten(2).transpose(1, 2), dim=2)
