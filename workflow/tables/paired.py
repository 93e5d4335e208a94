"""Two rows of a table over the same seeds: their difference, its 95% interval and a paired test."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from scipy.special import stdtr, stdtrit

LEVEL = 0.95
"""Of the interval, by which `Paired.verdict` decides."""


@dataclass(frozen=True)
class Paired:
    """``mean`` of the differences seed by seed; interval and p of Student's t, None for one seed."""

    mean: float
    low: float | None
    high: float | None
    p: float | None

    def verdict(self, stated: float) -> str:
        """Whether ``stated``, a difference of the paper, has the same sign as ours.

        Ours is rounded to one decimal, as the paper's are; if it is then zero, it has no sign.
        """
        ours = round(self.mean, 1)
        if ours == 0 != stated:
            sign = "no difference"
        else:
            sign = "agree" if ours * stated > 0 or ours == stated else "disagree"
        if self.low is None or self.high is None:
            return f"{sign}, one seed"
        return "within noise" if self.low <= 0 <= self.high else sign


def paired(ours: Sequence[float], theirs: Sequence[float]) -> Paired:
    """``ours`` minus ``theirs``, one value per seed, in the same order of seeds.

    Raises:
        ValueError: the numbers of seeds differ, or are 0.
    """
    differences = [mine - other for mine, other in zip(ours, theirs, strict=True)]
    mean, n = statistics.fmean(differences), len(differences)
    if n == 1:
        return Paired(mean, None, None, None)
    error = statistics.stdev(differences) / math.sqrt(n)
    half = float(stdtrit(n - 1, (1 + LEVEL) / 2)) * error
    if error == 0:
        return Paired(mean, mean, mean, 0.0 if mean else 1.0)
    return Paired(mean, mean - half, mean + half, 2 * float(stdtr(n - 1, -abs(mean) / error)))
