"""Resolution-aware encoder (Xu et al. 2020, section 3.2): one network, one scalar per residual branch and resolution.

A branch adds alpha * F(x) to x, with a learned alpha for each level of resolution, 1 at the start. The published
network is a ResNet, whose blocks have one branch each. A transformer's block has two: attention and MLP. A backbone
with neither kind of block goes without scalars, and its scores say that it has none.

On a frozen backbone (the probe) the scalars of every level stay at 1: they are inside the encoder, which would
otherwise be trained through them. The plain encoder is then probed at every size of image.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn


class ResolutionScalars(nn.Module):
    """A backbone with scalars. It is not changed: a hook multiplies the output of the module that ends each F.

    Args:
        backbone: frozen when none of its parameters is trained.
        levels: number of resolutions.

    Attributes:
        branches: number of scalars of each level.
    """

    def __init__(self, backbone: nn.Module, levels: int) -> None:
        super().__init__()
        ends = residual_ends(backbone)
        self.branches = len(ends)
        self.backbone = backbone
        trained = bool(ends) and any(parameter.requires_grad for parameter in backbone.parameters())
        # A parameter for each level, so that Adam begins with a level's own first gradient.
        self.scalars = nn.ParameterList(
            nn.Parameter(torch.ones(len(ends)), requires_grad=trained) for _ in range(levels)
        )
        self._scalars: Tensor | None = None
        for index, end in enumerate(ends):
            end.register_forward_hook(self._scale(index))

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


def residual_ends(backbone: nn.Module) -> list[nn.Module]:
    """The modules in which residual branches end, in the order of the network.

    They are the last batch norm of a ResNet's block, torchvision's or timm's, of which an HRNet consists as well, or
    the gate of channels (SE) behind it; and attention and MLP of any block that has both. What follows them in a branch
    (layer scale, the windows of a Swin) is linear, so a factor comes through.
    """
    ends = []
    for block in backbone.modules():
        if type(block).__name__ in ("BasicBlock", "Bottleneck"):
            last_norm = block.bn3 if hasattr(block, "bn3") else block.bn2
            ends.append(getattr(block, "se", None) or last_norm)
        elif isinstance(getattr(block, "attn", None), nn.Module) and isinstance(getattr(block, "mlp", None), nn.Module):
            ends += [block.attn, block.mlp]
    return ends
