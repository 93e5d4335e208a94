"""The parsing network of SCHP (Li et al. 2020), a CE2P (Ruan et al. 2019), on a backbone under test.

Pyramid pooling over the last map, a decoder that adds the detail of the first, an edge branch over the first three, and
a fusion of both. Departures: torchvision's 7x7 stem, so that pre-trained weights fit, where CE2P has three 3x3
convolutions; plain batch norm and leaky ReLU where the published code has in-place ones of scale |weight| + 1e-5.
Those compute the same while weights are positive, and would turn the sign of a feature whose pre-trained weight is not.

Published for a ResNet. A plain transformer gets a simple feature pyramid with the strides of the dilated ResNet; any
other backbone gives the maps of its last four stages as they are, whose last stride is usually 32.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.models.resnet import ResNet

from downstream.lip.feature_pyramid import FeaturePyramid
from downstream.lip.recipe import LIP
from liftedcl.identity.errors import InputError
from liftedcl.networks.encoder import Backbone
from liftedcl.networks.stages import Stage

STRIDE = 16
_STAGES = 4
_PYRAMID = (1, 2, 3, 6)


class ParsingLogits(NamedTuple):
    """``parsing`` of the decoder and ``fused`` (B, C, h, w), ``edges`` (B, 2, h, w), at the first stage's stride."""

    parsing: Tensor
    fused: Tensor
    edges: Tensor

    def resized(self, size: tuple[int, int]) -> "ParsingLogits":
        """The same logits, float32, at ``size``, height and width."""
        return ParsingLogits(*(resize(logits.float().contiguous(), size) for logits in self))


class ParsingNetwork(nn.Module):
    """Images (B, 3, H, W) -> `ParsingLogits`.

    Args:
        backbone: the last stage of a ResNet is dilated in place where its stride is above 16.
        recipe: widths and dropout.
        classes: C.

    Raises:
        InputError: the backbone has fewer than four stages, and is no plain transformer.
    """

    def __init__(self, backbone: Backbone, recipe: LIP, *, classes: int) -> None:
        super().__init__()
        self.backbone, self.neck = dilated(backbone), None
        stages = [stage.channels for stage in backbone.map_stages[-_STAGES:]]
        if len(backbone.map_stages) == 1:
            self.neck = FeaturePyramid(backbone.map_stages[0], strides=(4, 8, STRIDE, STRIDE), width=recipe.width)
            stages = _STAGES * [recipe.width]
        elif len(stages) < _STAGES:
            raise InputError(
                f"lip: the parsing network needs {_STAGES} stages, and this backbone has {len(stages)}; name another "
                "one with --backbone"
            )
        self.pyramid = _Pyramid(stages[3], recipe.pyramid_width)
        self.decoder = _Decoder(recipe.pyramid_width, stages[0], recipe.width, recipe.detail_width)
        self.classify = nn.Conv2d(recipe.width, classes, kernel_size=1)
        self.edge_branch = _EdgeBranch(stages[:3], recipe.width)
        self.fuse = nn.Sequential(
            _block(4 * recipe.width, recipe.width),
            nn.Dropout2d(recipe.dropout),
            nn.Conv2d(recipe.width, classes, kernel_size=1),
        )

    def forward(self, images: Tensor) -> ParsingLogits:
        maps = self.backbone.maps(images)[-_STAGES:]
        if self.neck is not None:
            maps = self.neck(maps[0])
        decoded = self.decoder(self.pyramid(maps[3]), maps[0])
        edges, edge_features = self.edge_branch(maps[:3])
        fused = self.fuse(torch.cat([decoded, edge_features], dim=1))
        return ParsingLogits(self.classify(decoded), fused, edges)


def dilated(backbone: nn.Module) -> nn.Module:
    """A ResNet at stride 16: where it has 32, the last stage steps by 1 and its 3x3 convolutions are dilated by 2.

    In place; names and weights stay. A ResNet of stride 16 or less, or another backbone, stays as it is.
    """
    if isinstance(backbone, ResNet) and backbone.stride > STRIDE:
        for module in backbone.layer4.modules():
            if isinstance(module, nn.Conv2d):
                module.stride = (1, 1)
                if module.kernel_size == (3, 3):
                    module.dilation = module.padding = (2, 2)
        backbone.stride = STRIDE
        backbone.map_stages = (*backbone.map_stages[:-1], Stage(backbone.out_channels, STRIDE))
    return backbone


def resize(maps: Tensor, size: tuple[int, int]) -> Tensor:
    """Bilinear, corner on corner: a convolution of stride 2 keeps the corners where the sides are odd, as 473 is.

    Cells of a transformer's map are centred on its patches instead. There this is off by up to half a patch at the
    border, as in SOLIDER's parsing, which puts a Swin into the published code.
    """
    return F.interpolate(maps, size=size, mode="bilinear", align_corners=True)


def _block(channels: int, width: int, *, kernel: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels, width, kernel, padding=kernel // 2, bias=False),
        nn.BatchNorm2d(width),
        nn.LeakyReLU(inplace=True),
    )


class _Pyramid(nn.Module):
    """Pyramid pooling (Zhao et al. 2017): the map beside its means over 1, 2, 3 and 6 cells a side."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.levels = nn.ModuleList(
            nn.Sequential(nn.AdaptiveAvgPool2d(cells), _block(channels, width)) for cells in _PYRAMID
        )
        self.bottleneck = _block(channels + len(_PYRAMID) * width, width, kernel=3)

    def forward(self, x: Tensor) -> Tensor:
        return self.bottleneck(torch.cat([*(resize(level(x), x.shape[2:]) for level in self.levels), x], dim=1))


class _Decoder(nn.Module):
    def __init__(self, channels: int, detail_channels: int, width: int, detail_width: int) -> None:
        super().__init__()
        self.context = _block(channels, width)
        self.detail = _block(detail_channels, detail_width)
        self.merge = nn.Sequential(_block(width + detail_width, width), _block(width, width))

    def forward(self, pyramid: Tensor, first_stage: Tensor) -> Tensor:
        detail = self.detail(first_stage)
        return self.merge(torch.cat([resize(self.context(pyramid), detail.shape[2:]), detail], dim=1))


class _EdgeBranch(nn.Module):
    """Maps of three stages -> edge logits (B, 2, h, w) and features (B, 3 * width, h, w) at the first one's size."""

    def __init__(self, channels: list[int], width: int) -> None:
        super().__init__()
        self.narrow = nn.ModuleList(_block(count, width) for count in channels)
        self.classify = nn.Conv2d(width, 2, kernel_size=3, padding=1)
        self.merge = nn.Conv2d(2 * len(channels), 2, kernel_size=1)

    def forward(self, maps: list[Tensor]) -> tuple[Tensor, Tensor]:
        size = maps[0].shape[2:]
        features = [narrow(x) for narrow, x in zip(self.narrow, maps, strict=True)]
        edges = torch.cat([resize(self.classify(x), size) for x in features], dim=1)
        return self.merge(edges), torch.cat([resize(x, size) for x in features], dim=1)
