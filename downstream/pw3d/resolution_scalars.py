"""Resolution-aware ResNet (Xu et al. 2020, section 3.2): one network, one scalar per residual block and resolution.

A block computes alpha * F(x) + x, with a learned alpha for each level of resolution, 1 at the start.

On a frozen backbone (the probe) the scalars of every level stay at 1: they are inside the encoder, which would
otherwise be trained through them. The plain encoder is then probed at every size of image.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torchvision.models.resnet import BasicBlock, Bottleneck

from liftedcl.identity.errors import InputError


class ResolutionScalars(nn.Module):
    """A ResNet with scalars. ``backbone`` is not changed: F ends with a batch norm, whose output a hook multiplies.

    Args:
        backbone: made of torchvision's BasicBlock or Bottleneck; frozen when none of its parameters is trained.
        levels: number of resolutions.

    Raises:
        InputError: a backbone without residual blocks, such as HRNet.
    """

    def __init__(self, backbone: nn.Module, levels: int) -> None:
        super().__init__()
        blocks = [module for module in backbone.modules() if isinstance(module, BasicBlock | Bottleneck)]
        if not blocks:
            raise InputError(
                f"3DPW's RSC-Net scales the residual blocks of a ResNet; {type(backbone).__name__} has none of "
                "torchvision's; choose a ResNet encoder for this benchmark"
            )
        self.backbone = backbone
        trained = any(parameter.requires_grad for parameter in backbone.parameters())
        # A parameter for each level, so that Adam begins with a level's own first gradient.
        self.scalars = nn.ParameterList(
            nn.Parameter(torch.ones(len(blocks)), requires_grad=trained) for _ in range(levels)
        )
        self._scalars: Tensor | None = None
        for index, block in enumerate(blocks):
            last = block.bn3 if isinstance(block, Bottleneck) else block.bn2
            last.register_forward_hook(self._scale(index))

    def forward(self, images: Tensor, level: int) -> Tensor:
        """Images (B, 3, S, S) of the resolution ``level`` to the backbone's map (B, C, h, w)."""
        self._scalars = self.scalars[level]
        try:
            return self.backbone(images)
        finally:
            self._scalars = None

    @torch.no_grad()
    def enter(self, level: int) -> None:
        """Start a level that was not trained so far with what the next finer one has learnt, as the published code."""
        self.scalars[level].copy_(self.scalars[level - 1])

    def _scale(self, index: int) -> Callable[[nn.Module, tuple[Tensor, ...], Tensor], Tensor]:
        def hook(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
            return output if self._scalars is None else output * self._scalars[index]

        return hook
