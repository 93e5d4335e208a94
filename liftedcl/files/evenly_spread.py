"""A few of many, spread evenly: what a figure or a probe shows of a set."""

import numpy as np


def evenly_spread(count: int, wanted: int) -> np.ndarray:
    """Up to ``wanted`` of the numbers from 0 to ``count`` - 1, ascending, the first and the last among them. int64."""
    return np.linspace(0, count - 1, min(wanted, count)).round().astype(np.int64)
