"""The simple feature pyramid of ViTDet (Li et al. 2022): maps of several strides from a plain transformer's one."""

import math
from collections.abc import Sequence

from torch import Tensor, nn
from torchvision.models.convnext import LayerNorm2d

from liftedcl.networks.stages import Stage

_EPSILON = 1e-6


class FeaturePyramid(nn.Module):
    """A map (B, C, h, w) to one of ``width`` channels for each of ``strides``.

    Each comes from the given map by transposed convolutions that double it and halve its channels, with layer norm and
    GELU between them, and then a 1x1 and a 3x3 convolution with layer norms. Where no doubling gives a stride exactly,
    the nearest one is taken, but none is coarser than the given map.
    """

    def __init__(self, last: Stage, *, strides: Sequence[int], width: int) -> None:
        super().__init__()
        self.levels = nn.ModuleList(
            _level(last.channels, max(0, round(math.log2(last.stride / stride))), width) for stride in strides
        )

    def forward(self, features: Tensor) -> list[Tensor]:
        return [level(features) for level in self.levels]


def _level(channels: int, doublings: int, width: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for step in range(doublings):
        if step:
            layers += [LayerNorm2d(channels, eps=_EPSILON), nn.GELU()]
        layers.append(nn.ConvTranspose2d(channels, channels // 2, kernel_size=2, stride=2))
        channels //= 2
    for kernel, inputs in ((1, channels), (3, width)):
        layers += [
            nn.Conv2d(inputs, width, kernel, padding=kernel // 2, bias=False),
            LayerNorm2d(width, eps=_EPSILON),
        ]
    return nn.Sequential(*layers)
