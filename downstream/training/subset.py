"""Which training samples a run sees whose recipe's ``fraction`` is below 1: the same for every encoder. No torch."""

import math
from collections.abc import Sequence

import numpy as np


def subset_of(counts: Sequence[int], fraction: float, seed: int) -> np.ndarray:
    """Rows (M,), ascending, of sets of ``counts`` samples that follow each other; ``fraction`` of each set.

    Of a set these are the first ceil(fraction * count) of one permutation, so that a smaller fraction's rows are among
    a larger one's.
    """
    firsts = np.cumsum(counts) - counts
    return np.concatenate([first + _rows(count, fraction, seed) for first, count in zip(firsts, counts, strict=True)])


def _rows(count: int, fraction: float, seed: int) -> np.ndarray:
    kept = max(1, math.ceil(round(fraction * count, 6)))  # 0.07 * 100 is a little more than 7
    # The key keeps this stream apart from those of orders and augmentation, which start from the same seed.
    permutation = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(0,))).permutation(count)
    return np.sort(permutation[:kept])  # sorted, so that the whole set stays in its order
