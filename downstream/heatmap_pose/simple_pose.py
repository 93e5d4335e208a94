"""SimplePose (Xiao et al. 2018): transposed convolutions on a backbone's map, and one heatmap a joint."""

from torch import Tensor, nn

from liftedcl.identity.errors import InputError
from liftedcl.networks.encoder import Backbone


class SimplePose(nn.Module):
    """``head(backbone(images))``: normalised images (B, 3, H, W) to heatmaps (B, joints, h, w).

    Args:
        deconvs: transposed convolutions, 4x4 with stride 2; each doubles the map.
        width: their channels.

    Attributes:
        stride: pixels of the image a cell of the heatmaps.
    """

    def __init__(self, backbone: Backbone, *, joints: int, deconvs: int, width: int) -> None:
        super().__init__()
        if backbone.stride % 2**deconvs:
            raise InputError(f"deconvs: {deconvs} make the map of a backbone of stride {backbone.stride} too large")
        self.backbone = backbone
        self.stride = backbone.stride // 2**deconvs
        layers: list[nn.Module] = []
        channels = backbone.out_channels
        for _ in range(deconvs):
            layers += [
                nn.ConvTranspose2d(channels, width, kernel_size=4, stride=2, padding=1, bias=False),
                nn.BatchNorm2d(width),
                nn.ReLU(inplace=True),
            ]
            channels = width
        self.head = nn.Sequential(*layers, nn.Conv2d(channels, joints, kernel_size=1))
        for layer in self.head:
            if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
                nn.init.normal_(layer.weight, std=0.001)
        nn.init.zeros_(self.head[-1].bias)

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.backbone(images))

    def heatmap_size(self, size: tuple[int, int]) -> tuple[int, int]:
        """Width and height of the heatmaps for images of ``size``.

        Raises:
            InputError: the backbone's map doesn't cover the image evenly.
        """
        if any(length % self.backbone.stride for length in size):
            raise InputError(
                f"input_width, input_height: {size[0]}x{size[1]} is not divisible by the backbone's stride, "
                f"{self.backbone.stride}"
            )
        return size[0] // self.stride, size[1] // self.stride
