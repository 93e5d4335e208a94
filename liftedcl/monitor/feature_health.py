"""Feature health: two numbers that show a collapse of the representation while an encoder trains."""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

_NEGLIGIBLE = 1e-30
"""Added to every feature in double precision, to give features that are all 0 a direction; it changes nothing else."""


@torch.no_grad()
def feature_health(features: Tensor) -> dict[str, float]:
    """How similar pooled features (N, C) are, and how many directions they use.

    ``mean_cosine`` is the mean cosine similarity over pairs of different rows, in [-1 / (N - 1), 1]. 1 is a collapse to
    one point; features after a ReLU are positive and stay well above 0.
    ``rank`` is the effective rank (RankMe; Garrido et al. 2023, equation 1: the exponential of the entropy of the
    singular values divided by their sum), in [1, min(N, C)].
    Both are 1 for features that are all equal, and NaN for a single row or features that are not finite.
    """
    if len(features) < 2 or not features.isfinite().all():
        return {"mean_cosine": math.nan, "rank": math.nan}
    features = features.double() + _NEGLIGIBLE
    features /= features.abs().max()
    count = len(features)
    # |sum of unit vectors|^2 is the sum over all N^2 pairs; the N self pairs are 1 each.
    total = F.normalize(features, dim=1, eps=0.0).sum(dim=0).square().sum()
    singular = torch.linalg.svdvals(features)
    shares = singular / singular.sum()
    entropy = -torch.xlogy(shares, shares).sum()  # 0 log 0 = 0, where RankMe adds 1e-7 to each share
    mean_cosine, rank = torch.stack([(total - count) / (count * (count - 1)), entropy.exp()]).tolist()
    return {"mean_cosine": mean_cosine, "rank": rank}
