"""2D pose from heatmaps: a head on a backbone's map, and one heatmap a joint.

A backbone with stages, such as a ResNet, gets SimplePose's transposed convolutions (Xiao et al. 2018). A plain
transformer, which keeps one grid, gets the simple decoder of ViTPose (Xu et al. 2022): no transposed convolution, and
nearly the same scores.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from liftedcl.identity.errors import InputError
from liftedcl.networks.encoder import Backbone


class SimplePose(nn.Module):
    """``head(backbone(images))``: normalised images (B, 3, H, W) to heatmaps (B, joints, h, w).

    Args:
        size: width and height of the images.
        stride: pixels of the image a cell of the heatmaps.
        width: channels of transposed convolutions.

    Attributes:
        size: width and height of the heatmaps.

    Raises:
        InputError: the backbone's map can't be doubled to these heatmaps.
    """

    def __init__(self, backbone: Backbone, *, joints: int, size: tuple[int, int], stride: int, width: int) -> None:
        super().__init__()
        self.backbone, self.stride = backbone, stride
        self.size = size[0] // stride, size[1] // stride
        if len(backbone.map_stages) == 1:
            self.head: nn.Sequential = nn.Sequential(
                _Upsampling(self.size), nn.Conv2d(backbone.out_channels, joints, kernel_size=3, padding=1)
            )
        else:
            doublings = _doublings(backbone.stride, size, stride)
            self.head = _deconvolutions(backbone.out_channels, doublings, width=width, joints=joints)
        for layer in self.head:
            if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
                nn.init.normal_(layer.weight, std=0.001)
        nn.init.zeros_(self.head[-1].bias)

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.backbone(images))


class _Upsampling(nn.Module):
    """A ReLU, and bilinear interpolation to the heatmaps' size: four times a map of stride 16, as published.

    A map of any other stride comes to the same size, and cells stay where they are in the picture.
    """

    def __init__(self, size: tuple[int, int]) -> None:
        super().__init__()
        self._size = (size[1], size[0])

    def forward(self, features: Tensor) -> Tensor:
        return F.interpolate(torch.relu(features), size=self._size, mode="bilinear")


def _deconvolutions(channels: int, count: int, *, width: int, joints: int) -> nn.Sequential:
    """``count`` transposed convolutions, 4x4 with stride 2, each of which doubles the map, and one 1x1 convolution."""
    layers: list[nn.Module] = []
    for _ in range(count):
        layers += [
            nn.ConvTranspose2d(channels, width, kernel_size=4, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
        ]
        channels = width
    return nn.Sequential(*layers, nn.Conv2d(channels, joints, kernel_size=1))


def _doublings(map_stride: int, size: tuple[int, int], stride: int) -> int:
    """How often a map of ``map_stride`` has to be doubled to ``stride``. Raises `InputError` if it can't be."""
    if any(length % map_stride for length in size):
        raise InputError(
            f"input_width, input_height: {size[0]}x{size[1]} is not divisible by the backbone's stride, {map_stride}"
        )
    doublings = (map_stride // stride).bit_length() - 1
    if doublings < 0 or stride << doublings != map_stride:
        raise InputError(f"heatmap_stride: no doubling brings a backbone's map of stride {map_stride} to {stride}")
    return doublings
