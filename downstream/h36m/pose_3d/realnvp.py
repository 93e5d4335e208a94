"""RealNVP, the normalising flow that learns the shape of the residuals (Dinh et al. 2017; Li et al. 2021, section 3.3).

Each affine coupling layer passes a masked part of x unchanged and computes scale and shift of the rest from it, so the
Jacobian is triangular and its determinant costs nothing. The prior is N(0, I). Nothing is sampled from the flow here.
"""

import math

import torch
from torch import Tensor, nn


class RealNVP(nn.Module):
    """A density of ``dimension`` variables. In turn, the mask of a layer keeps the last coordinate and all others.

    Two dimensions give the masks (0, 1), (1, 0), ...; three give (0, 0, 1), (1, 1, 0), ... The nets start as linear
    layers do. Both are as in the published code of RLE, whose tensors ``s.N`` and ``t.N`` are ``scales.N`` and
    ``shifts.N`` here.
    """

    def __init__(self, dimension: int, *, layers: int, hidden: int) -> None:
        super().__init__()
        self.scales = nn.ModuleList(_net(dimension, hidden, nn.Tanh()) for _ in range(layers))
        self.shifts = nn.ModuleList(_net(dimension, hidden) for _ in range(layers))
        last = torch.eye(dimension)[-1]
        masks = torch.stack([1 - last if layer % 2 else last for layer in range(layers)])
        self.register_buffer("masks", masks, persistent=False)  # (layers, dimension)

    def inverse(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Data x (N, D) to latent z (N, D) and log |det dz/dx| (N,)."""
        log_determinant = x.new_zeros(len(x))
        for mask, scale, shift in reversed(list(zip(self.masks, self.scales, self.shifts, strict=True))):
            kept = mask * x
            log_scale = (1 - mask) * scale(kept)
            x = kept + (1 - mask) * (x - shift(kept)) * torch.exp(-log_scale)
            log_determinant = log_determinant - log_scale.sum(dim=1)
        return x, log_determinant

    def log_prob(self, x: Tensor) -> Tensor:
        """The log density (N,) of x (N, D), by the change of variables."""
        z, log_determinant = self.inverse(x)
        return log_determinant - 0.5 * (z.square().sum(dim=1) + z.shape[1] * math.log(2 * math.pi))


def _net(dimension: int, hidden: int, *last: nn.Module) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(dimension, hidden), nn.LeakyReLU(),
        nn.Linear(hidden, hidden), nn.LeakyReLU(),
        nn.Linear(hidden, dimension), *last,
    )  # fmt: skip
