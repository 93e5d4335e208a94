"""Pixel-to-propagation consistency of PixPro (Xie et al. 2021, section 3.2)."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class PixelPropagation(nn.Module):
    """The pixel propagation module: each cell becomes a sum over the cells similar to it.

    y_i = sum_j max(cos(x_i, x_j), 0)^gamma g(x_j) over all cells j of the same map (equations 3 and 4). g is one linear
    layer whose output is made a unit vector, as in the published code and not in the paper; gamma is ``sharpness``.
    """

    def __init__(self, dimension: int, *, sharpness: float):
        super().__init__()
        self.transform = nn.Conv2d(dimension, dimension, kernel_size=1)
        self.sharpness = sharpness

    def forward(self, x: Tensor) -> Tensor:
        """(B, D, h, w) -> (B, D, h, w)."""
        unit = F.normalize(x, dim=1).flatten(2)
        similarity = (unit.transpose(1, 2) @ unit).clamp_min(0) ** self.sharpness  # (B, N, N), symmetric
        values = F.normalize(self.transform(x), dim=1).flatten(2)
        return (values @ similarity).view(x.shape)


def consistency_loss(propagated: Tensor, keys: Tensor, positives: Tensor) -> Tensor:
    """-cos(y_i, x'_j), the mean over an image's positive pairs (i, j) (equation 5, one of its two terms).

    Args:
        propagated: (B, D, h, w), y of one view.
        keys: (B, D, h, w), x' of the other view, from the momentum network.
        positives: (B, N, N) bool, cells of ``propagated`` by cells of ``keys``.

    Returns:
        The loss of each image, (B,); 0 where it has no positive pair.
    """
    queries, keys = (F.normalize(x, dim=1).flatten(2) for x in (propagated, keys))
    weights = positives.to(keys.dtype) / positives.sum(dim=(1, 2), keepdim=True).clamp_min(1)
    return -(queries * torch.matmul(keys, weights.transpose(1, 2))).sum(dim=(1, 2))
