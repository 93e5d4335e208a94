"""Regression with residual log-likelihood estimation, RLE (Li et al. 2021): head and loss.

The head regresses each coordinate and its deviation. In training a flow learns how the residuals are distributed, as a
correction of a Laplace-like base term.
"""

import math

import torch
from torch import Tensor, nn

from downstream.h36m.pose_3d.realnvp import RealNVP


class RLERegressor(nn.Module):
    """Backbone, global average pool, coordinates and deviations (Li et al. 2021, figure 2).

    Args:
        backbone: (B, 3, H, W) to (B, C, h, w), with ``out_channels`` C.
        joints, dimension: number of joints J, and of coordinates per joint D.
        flow_layers, flow_hidden: coupling layers of the flow, and hidden width of its nets.
        depthless: some samples lack the last coordinate; a second flow, of the other coordinates, is for them.
    """

    def __init__(
        self,
        backbone: nn.Module,
        *,
        joints: int,
        dimension: int,
        flow_layers: int,
        flow_hidden: int,
        depthless: bool = False,
    ) -> None:
        super().__init__()
        self.shape = (joints, dimension)
        self.backbone = backbone
        self.fc_coord = nn.Linear(backbone.out_channels, joints * dimension)
        self.fc_sigma = nn.Linear(backbone.out_channels, joints * dimension)
        for layer in (self.fc_coord, self.fc_sigma):  # as published: weights near 0, biases as linear layers start
            nn.init.xavier_uniform_(layer.weight, gain=0.01)
        self.flow = RealNVP(dimension, layers=flow_layers, hidden=flow_hidden)
        self.flat_flow = RealNVP(dimension - 1, layers=flow_layers, hidden=flow_hidden) if depthless else None

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Normalised images (B, 3, S, S) to coordinates and deviations, each (B, J, D)."""
        return self.regress(self.backbone(images))

    def regress(self, maps: Tensor) -> tuple[Tensor, Tensor]:
        """The backbone's maps (B, C, h, w) to coordinates and deviations, each (B, J, D)."""
        features = maps.mean(dim=(2, 3))  # (B, C)
        # Coordinates depend on the feature's direction only: its norm grows with the image's contrast.
        direction = features / features.norm(dim=1, keepdim=True).clamp_min(1e-12)
        sigma = self.fc_sigma(features).sigmoid() + 1e-9  # its logarithm is finite
        return self.fc_coord(direction).unflatten(1, self.shape), sigma.unflatten(1, self.shape)


def rle_loss(
    mu: Tensor, sigma: Tensor, target: Tensor, weight: Tensor, flow: RealNVP, flat_flow: RealNVP | None = None
) -> Tensor:
    """Negative residual log-likelihood, summed over joints and coordinates, averaged over the batch.

    Li et al. 2021, eq. 9, with the base term of their code: a Laplace-like density with the normaliser of a Gaussian.
    As there, log phi of a joint counts once for each of its D coordinates.

    Args:
        mu, sigma: predicted coordinates and deviations (B, J, D).
        target: true coordinates (B, J, D).
        weight: (B, J, D) or (B, J, 1), 0 for what to leave out.
        flow: density of the normalised residual (mu - target) / sigma.
        flat_flow: density of the residual's first D - 1 coordinates, for joints whose last one has weight 0.
    """
    residual = (mu - target) / sigma
    if flat_flow is None:
        log_phi = _log_phi(residual, flow)
    else:
        # Both densities are computed for every joint: selecting rows by a mask would make the host wait for the GPU.
        deep = weight[..., -1:] > 0
        whole = _log_phi(torch.where(deep, residual, torch.zeros_like(residual)), flow)
        log_phi = torch.where(deep, whole, _log_phi(residual[..., :-1], flat_flow))
    base = torch.log(sigma * math.sqrt(2 * math.pi)) + residual.abs() / math.sqrt(2)
    return (weight * (torch.log(sigma) - log_phi + base)).sum() / len(mu)


def _log_phi(residual: Tensor, flow: RealNVP) -> Tensor:
    """Log density (B, J, 1) of residuals (B, J, D)."""
    return flow.log_prob(residual.flatten(0, 1)).view(*residual.shape[:2], 1)
