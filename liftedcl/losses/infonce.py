"""InfoNCE (van den Oord et al. 2018) with a shared set of negatives (paper, equations 2 and 3), without its logits.

Attention with the negatives as both keys and values gives all that the loss needs of them: the log-sum-exp of their
logits, and their softmax-weighted mean m. With the positive's logit p and the negatives' share s = sigmoid(lse - p),
    loss = -log(1 - s)        d loss / d query = s (m - positive) / tau
"""

import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx, once_differentiable
from torch.nn import functional as F

from liftedcl.losses.attention_lse import attention


def info_nce(queries: Tensor, positives: Tensor, negatives: Tensor, temperature: float) -> Tensor:
    """-log of the positive's share among the positive and all negatives. Only the queries get a gradient.

    Extra memory is a few tensors of the queries' size, and one between forward and backward. The positive's logit and
    its sum with the negatives' are at least float32. The gradient differs from float64, relative to its largest element
    at K = 16384, tau = 0.2 and random to strongly clustered vectors, by 1e-7 to 4e-7 in float32, and by 2e-4 to 3e-3
    with the negatives' part in bfloat16, as on a GPU under autocast (with all logits in bfloat16: 7e-3 to 1e-2).

    Args:
        queries: (..., D), unit length.
        positives: (..., D), unit length, one for each query.
        negatives: (K, D), unit length, shared by all queries.
        temperature: tau.

    Returns:
        The loss of each query, shape (...), float32, or float64 for float64 queries.

    Raises:
        ValueError: positives or negatives require gradient, or there are no negatives.
    """
    for name, keys in (("positives", positives), ("negatives", negatives)):
        if keys.requires_grad:
            raise ValueError(f"info_nce: the {name} require gradient; compute keys under torch.no_grad()")
    return _InfoNCE.apply(queries, positives, negatives, temperature)


class _InfoNCE(torch.autograd.Function):
    """Computes the gradient with the loss, so backward is one product."""

    @staticmethod
    def forward(ctx: FunctionCtx, queries: Tensor, positives: Tensor, negatives: Tensor, temperature: float) -> Tensor:
        mean, lse = attention(queries.reshape(-1, queries.shape[-1]), negatives, 1.0 / temperature)
        mean, lse = mean.view(queries.shape), lse.view(queries.shape[:-1])
        positives = positives.to(mean.dtype)
        margin = (queries.to(mean.dtype) * positives).sum(dim=-1) / temperature - lse
        ctx.save_for_backward(mean.sub_(positives).mul_((-margin).sigmoid_().div_(temperature)[..., None]))
        return -F.logsigmoid(margin)

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, loss_gradient: Tensor) -> tuple[Tensor, None, None, None]:
        (gradient,) = ctx.saved_tensors
        return loss_gradient[..., None] * gradient, None, None, None
