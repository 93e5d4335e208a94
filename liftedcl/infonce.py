"""InfoNCE (van den Oord et al. 2018) with a shared set of negatives (paper, equations 2 and 3)."""

import torch
from torch import Tensor


def info_nce(queries: Tensor, positives: Tensor, negatives: Tensor, temperature: float) -> Tensor:
    """-log of the share of the positive among the positive and all negatives.

    Args:
        queries: (..., D), unit length.
        positives: (..., D), unit length, one for each query.
        negatives: (K, D), unit length, shared by all queries.
        temperature: tau.

    Returns:
        The loss of each query, shape (...).
    """
    positive = (queries * positives).sum(dim=-1) / temperature
    negative = torch.logsumexp(queries @ negatives.T / temperature, dim=-1)
    return torch.logaddexp(positive, negative) - positive
