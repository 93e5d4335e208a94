"""What seeds allow to say: the 95% interval of a mean, and of the difference of two rows with a paired test."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from scipy.special import stdtr, stdtrit

LEVEL = 0.95
"""Of all intervals."""


@dataclass(frozen=True)
class Paired:
    """``mean`` of the differences seed by seed; interval and p of Student's t, None for one seed."""

    mean: float
    low: float | None
    high: float | None
    p: float | None

    def verdict(self, stated: float) -> str:
        """Whether ``stated``, a difference of the paper, has the same sign as ours.

        Ours is rounded to one decimal, as the paper's are; if it is then zero, it has no sign. One seed has no verdict.
        """
        if self.low is None or self.high is None:
            return "one seed: no verdict"
        if self.low <= 0 <= self.high:
            return "within noise"
        ours = round(self.mean, 1)
        if ours == 0 != stated:
            return "no difference"
        return "agree" if ours * stated > 0 or ours == stated else "disagree"


def paired(ours: Sequence[float], theirs: Sequence[float]) -> Paired:
    """``ours`` minus ``theirs``, one value per seed, in the same order of seeds.

    Raises:
        ValueError: the numbers of seeds differ, or are 0.
    """
    differences = [mine - other for mine, other in zip(ours, theirs, strict=True)]
    mean, n = statistics.fmean(differences), len(differences)
    if n == 1:
        return Paired(mean, None, None, None)
    deviation = statistics.stdev(differences)
    if deviation == 0:
        return Paired(mean, mean, mean, 0.0 if mean else 1.0)
    half, t = half_width(deviation, n), abs(mean) / deviation * math.sqrt(n)
    return Paired(mean, mean - half, mean + half, 2 * float(stdtr(n - 1, -t)))


def half_width(deviation: float, count: int) -> float:
    """How far the interval of a mean reaches to either side, by Student's t.

    Args:
        deviation: of the values, with ``count`` - 1 in its denominator.
        count: of the values, 2 or more.
    """
    return float(stdtrit(count - 1, (1 + LEVEL) / 2)) * deviation / math.sqrt(count)
