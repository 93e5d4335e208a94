"""A choice of a few out of many, spread evenly."""

import numpy as np


def evenly_spread(count: int, wanted: int) -> np.ndarray:
    """Up to ``wanted`` of the numbers from 0 to ``count`` - 1, ascending, with the first and the last. int64."""
    return np.linspace(0, count - 1, min(wanted, count)).round().astype(np.int64)
