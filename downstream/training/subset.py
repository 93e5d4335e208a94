"""The training samples that a recipe's ``fraction`` leaves, which are the same for every encoder. No torch."""

import math
from collections.abc import Sequence

import numpy as np


def subset_of(counts: Sequence[int], fraction: float, seed: int) -> np.ndarray:
    """Rows (M,), ascending, of sets of ``counts`` samples that follow each other; ``fraction`` of each set.

    They are the first ceil(fraction * count) of one permutation of each set, so that the rows of a smaller fraction are
    among those of a larger one.
    """
    rows = []
    for first, count in zip(np.cumsum(counts) - counts, counts, strict=True):
        kept = max(1, math.ceil(round(fraction * count, 6)))  # 0.07 * 100 is a little more than 7
        # The key keeps this stream apart from those of orders and augmentation, which start from the same seed.
        permutation = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(0,))).permutation(count)
        rows.append(first + np.sort(permutation[:kept]))  # sorted, so that the whole set stays in its order
    return np.concatenate(rows)
