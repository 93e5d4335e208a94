"""Contrast of sets: each query has several positives and shares the negatives, whose logits aren't stored.

For a query q with positives P and negatives K,
    loss = -1/|P| sum_{p in P} log( exp(q p / tau) / (sum_{p' in P} exp(q p' / tau) + sum_{k in K} exp(q k / tau)) )
With one positive it is InfoNCE (`liftedcl.losses.infonce`).
"""

import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx, once_differentiable

from liftedcl.losses.attention_lse import attention


def set_contrast(queries: Tensor, keys: Tensor, positives: Tensor, negatives: Tensor, temperature: float) -> Tensor:
    """The mean of the loss above over those queries of an image that have a positive. Only the queries get a gradient.

    Args:
        queries: (B, N, D), unit length.
        keys: (B, M, D), unit length, of the same images.
        positives: (B, N, M) bool.
        negatives: (K, D), unit length, shared by all queries.
        temperature: tau.

    Returns:
        The loss of each image, (B,); 0 if no query has a positive.
    """
    dtype = torch.promote_types(queries.dtype, torch.float32)
    with torch.autocast(queries.device.type, enabled=False):  # full precision costs little for the few positives
        logits = queries.to(dtype) @ keys.detach().to(dtype).transpose(1, 2) / temperature
    positive = logits.masked_fill(~positives, -torch.inf).logsumexp(dim=2)
    candidates = torch.logaddexp(positive, _LogSumExp.apply(queries, negatives, 1.0 / temperature))
    count = positives.sum(dim=2)
    loss = candidates - torch.where(positives, logits, 0.0).sum(dim=2) / count.clamp_min(1)
    has_positive = count > 0
    return torch.where(has_positive, loss, 0.0).sum(dim=1) / has_positive.sum(dim=1).clamp_min(1)


class _LogSumExp(torch.autograd.Function):
    """log sum_k exp(scale q k) of queries (..., D) over keys (K, D): (...). Only the queries get a gradient."""

    @staticmethod
    def forward(ctx: FunctionCtx, queries: Tensor, keys: Tensor, scale: float) -> Tensor:
        mean, lse = attention(queries.flatten(0, -2), keys, scale)
        ctx.save_for_backward(mean.mul_(scale).view(queries.shape))
        return lse.view(queries.shape[:-1])

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, lse_gradient: Tensor) -> tuple[Tensor, None, None]:
        (gradient,) = ctx.saved_tensors
        return lse_gradient[..., None] * gradient, None, None
