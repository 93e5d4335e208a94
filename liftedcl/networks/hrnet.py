"""HRNet-W32 (Wang et al. 2020), which the paper names as another backbone (section 4.1).

Its map is that of the published classification head, which joins the four resolutions. It has 2048 channels at stride
32, like ResNet-50's, so every method and benchmark takes it.
"""

import timm
from torch import Tensor, nn

from liftedcl.identity.errors import InputError

STRIDE = 32


def hrnet_w32() -> nn.Module:
    """A randomly initialised network (global torch RNG): images (B, 3, H, W) -> map (B, 2048, H/32, W/32)."""
    network = timm.create_model("hrnet_w32", pretrained=False, num_classes=0, global_pool="")
    network.out_channels, network.stride = network.num_features, STRIDE
    network.register_forward_pre_hook(_check_size)
    return network


def _check_size(_: nn.Module, inputs: tuple[Tensor]) -> None:
    """Raises `InputError` unless both sides are multiples of the stride: coarser maps are added to finer ones."""
    height, width = inputs[0].shape[2:]
    if height % STRIDE or width % STRIDE:
        raise InputError(f"input size {width}x{height}: hrnet_w32 takes multiples of {STRIDE}; change the size")
