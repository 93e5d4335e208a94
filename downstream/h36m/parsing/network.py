"""HRNetV2's segmentation head (Sun et al. 2019) on the backbone under test: joined maps and two 1x1 convolutions.

Published for HRNetV2-W18, whose four branches are joined (270 channels). Of any other backbone with stages the last
four maps are joined in the same way, and of a plain transformer there is one map.

Departure: the head begins from PyTorch's weights. Published are normal ones of deviation 0.001, through which so little
gradient passes at first that the demo's few hundred steps learn nothing but background.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from liftedcl.networks.encoder import Backbone
from liftedcl.networks.hrnet_branches import branch_maps, branches_of, leave_out_classifier

_STAGES = 4


class ParsingNetwork(nn.Module):
    """Images (B, 3, H, W) -> logits (B, ``classes``, h, w) at the stride of the finest joined map.

    The first convolution of the head acts on each map by itself and their sum is taken at the finest size: the same
    function as one convolution of the joined maps, since bilinear interpolation and a 1x1 convolution can be exchanged.
    """

    def __init__(self, backbone: Backbone, *, width: int, classes: int) -> None:
        super().__init__()
        self.backbone = backbone
        self._branches = branches_of(backbone)
        if self._branches:
            leave_out_classifier(backbone)
        stages = self._branches or backbone.map_stages[-_STAGES:]
        self.join = nn.ModuleList(
            nn.Conv2d(stage.channels, width, kernel_size=1, bias=n == 0) for n, stage in enumerate(stages)
        )
        self.head = nn.Sequential(nn.BatchNorm2d(width), nn.ReLU(), nn.Conv2d(width, classes, kernel_size=1))

    def forward(self, images: Tensor) -> Tensor:
        maps = branch_maps(self.backbone, images) if self._branches else self.backbone.maps(images)[-_STAGES:]
        joined = [join(x) for join, x in zip(self.join, maps, strict=True)]
        size = joined[0].shape[2:]
        return self.head(torch.stack([resize(x, size) for x in joined]).sum(dim=0))


def resize(maps: Tensor, size: tuple[int, int]) -> Tensor:
    """Bilinear, cells being areas, as published."""
    return maps if maps.shape[2:] == size else F.interpolate(maps, size=size, mode="bilinear", align_corners=False)
