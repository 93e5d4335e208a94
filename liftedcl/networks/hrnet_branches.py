"""The four resolutions of an HRNet before any head, as HRNetV2 joins them (timm adds those of its classifier)."""

from timm.models.hrnet import HighResolutionNet
from torch import Tensor, nn

from liftedcl.networks.stages import Stage


def branches_of(backbone: nn.Module) -> tuple[Stage, ...] | None:
    """Channels and strides of an HRNet's branches, from fine to coarse; None for any other backbone."""
    if not isinstance(backbone, HighResolutionNet):
        return None
    return tuple(Stage(channels, 4 << n) for n, channels in enumerate(backbone.stage4_cfg["num_channels"]))


def leave_out_classifier(hrnet: HighResolutionNet) -> None:
    """Stop training, in place, what `branch_maps` leaves out."""
    for part in (hrnet.incre_modules, hrnet.downsamp_modules, hrnet.final_layer):
        part.requires_grad_(False)


def branch_maps(hrnet: HighResolutionNet, images: Tensor) -> list[Tensor]:
    """The map of each branch, (B, channels, H/stride, W/stride) for sides that are multiples of 32."""
    x = hrnet.act1(hrnet.bn1(hrnet.conv1(hrnet._stretched(images))))
    return hrnet.stages(hrnet.act2(hrnet.bn2(hrnet.conv2(x))))
