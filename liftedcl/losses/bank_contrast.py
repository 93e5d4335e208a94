"""Sample-level contrast between modalities: InfoNCE against another modality's memory bank (HCMoCo, section 3.2)."""

import torch
from torch import Tensor


def bank_contrast(queries: Tensor, positives: Tensor, negatives: Tensor, own: Tensor, temperature: float) -> Tensor:
    """-log of the positive's share among itself and the negatives, for each query, (B,) float32.

    Args:
        queries: (B, D), unit length, of one modality.
        positives: (B, D), the bank's entries of the same samples in another modality.
        negatives: (K, D), entries of the same bank.
        own: (B, K) bool: the negative is the query's own sample, and doesn't count. Departure: in the published code
            it does.
        temperature: tau.
    """
    with torch.autocast(queries.device.type, enabled=False):
        queries = queries.float()
        positive = (queries * positives).sum(dim=1, keepdim=True) / temperature
        others = (queries @ negatives.T / temperature).masked_fill(own, -torch.inf)
        return torch.cat([positive, others], dim=1).logsumexp(dim=1) - positive.squeeze(1)
