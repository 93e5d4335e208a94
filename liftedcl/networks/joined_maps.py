"""What a backbone's maps give together: one vector of an image, and one map at a quarter of its size (HCMoCo, 3.1).

The published code has an HRNet's four resolutions; here these are the stages of any backbone from stride 4 on, and the
one map of a plain transformer.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from liftedcl.networks.encoder import Backbone

STRIDE = 4


def _channels(backbone: Backbone) -> int:
    return sum(stage.channels for stage in backbone.map_stages if stage.stride >= STRIDE)


def coarse_maps(backbone: Backbone, images: Tensor) -> list[Tensor]:
    """The maps of ``images`` (B, 3, H, W) that both networks below take."""
    stages = zip(backbone.maps(images), backbone.map_stages, strict=True)
    return [features for features, stage in stages if stage.stride >= STRIDE]


def grid_of(size: tuple[int, int]) -> tuple[int, int]:
    """Rows and columns of a joined map of images of ``size``."""
    return -(-size[0] // STRIDE), -(-size[1] // STRIDE)


class PooledVector(nn.Module):
    """The averages of all maps, joined, a linear layer, unit length: (B, D)."""

    def __init__(self, backbone: Backbone, dimension: int):
        super().__init__()
        self.layer = nn.Linear(_channels(backbone), dimension)

    def forward(self, maps: list[Tensor]) -> Tensor:
        pooled = torch.cat([features.mean(dim=(2, 3)) for features in maps], dim=1)
        return F.normalize(self.layer(pooled), dim=1)


class JoinedMap(nn.Module):
    """All maps resized bilinearly to a quarter of the image, joined, and a 1x1 convolution: (B, D, h, w)."""

    def __init__(self, backbone: Backbone, dimension: int):
        super().__init__()
        self.layer = nn.Conv2d(_channels(backbone), dimension, kernel_size=1)

    def forward(self, maps: list[Tensor], grid: tuple[int, int]) -> Tensor:
        resized = [F.interpolate(features, size=grid, mode="bilinear", align_corners=False) for features in maps]
        return self.layer(torch.cat(resized, dim=1))


def cells_of(places: Tensor, size: tuple[int, int]) -> Tensor:
    """The cells (B, n) int64, row by row, of a joined map of images of ``size`` that ``places`` (B, n, 2) are in.

    Places are x and y in px, pixel centres at whole numbers; one outside the image is moved to its border.
    """
    rows, columns = grid_of(size)
    x, y = ((places + 0.5) / STRIDE).floor().long().unbind(dim=2)
    return y.clamp(0, rows - 1) * columns + x.clamp(0, columns - 1)


def features_at(maps: Tensor, cells: Tensor) -> Tensor:
    """The features (B, n, D) of maps (B, D, h, w) at ``cells`` (B, n), numbered row by row."""
    flat = maps.flatten(2)
    return flat.gather(2, cells[:, None].expand(-1, flat.shape[1], -1)).transpose(1, 2)
