"""Where two labels meet: what SCHP's edge branch learns (Li et al. 2020, section 3.1). Batched."""

import torch
from torch import Tensor
from torch.nn import functional as F


def edge_labels(labels: Tensor, *, ignored: int) -> Tensor:
    """1 on the 3 px along each border between two labels, 0 elsewhere, ``ignored`` where the label is.

    A border to an ignored pixel is none. The published code marks diagonal neighbours as well, which makes its lines
    up to 4 px wide, and doesn't ignore pixels in this loss.

    Args:
        labels: (B, H, W), integers.

    Returns:
        (B, H, W), of the same type.
    """
    valid = labels != ignored
    border = torch.zeros_like(valid)
    border[:, :, :-1] |= (labels[:, :, :-1] != labels[:, :, 1:]) & valid[:, :, :-1] & valid[:, :, 1:]
    border[:, :-1] |= (labels[:, :-1] != labels[:, 1:]) & valid[:, :-1] & valid[:, 1:]
    wide = F.max_pool2d(border.float().unsqueeze(1), kernel_size=3, stride=1, padding=1).squeeze(1)
    return torch.where(valid, wide.to(labels.dtype), labels)


def balanced_cross_entropy(logits: Tensor, edges: Tensor, *, ignored: int) -> Tensor:
    """Cross-entropy in which edge and background weigh the same: each is weighted by the other's share of the pixels.

    Args:
        logits: (B, 2, H, W).
        edges: (B, H, W) of 0, 1 and ``ignored``.

    Returns:
        A scalar; one of the two that is absent counts as 0.
    """
    valid, edge = edges != ignored, edges == 1
    background = valid & ~edge
    log_background, log_edge = F.log_softmax(logits, dim=1).unbind(dim=1)
    means = [
        -torch.where(where, value, 0.0).sum() / where.sum().clamp(min=1)
        for where, value in ((background, log_background), (edge, log_edge))
    ]
    return 0.5 * (means[0] + means[1])
