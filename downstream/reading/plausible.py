"""Ranges that values of a data set lie in, with room to spare, and what a value outside them likely means."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from liftedcl.identity.errors import InputError

_CLEARLY = 4.0
"""How many times nearer to the truth predictions have to be in another unit to be taken for numbers in that unit."""

OTHER_SIZES = {
    2.0: "seem to be in px of images of half the size",
    0.5: "seem to be in px of images of twice the size",
}
"""Causes for `check_scale` of joints in px."""


@dataclass(frozen=True)
class Plausible:
    """From ``low`` to ``high`` in ``unit``; ``causes`` says of a factor, which leads back to it, what it stands for."""

    low: float
    high: float
    unit: str
    causes: tuple[tuple[float, str], ...] = ()

    def problem(self, what: str, value: float) -> str:
        """What is wrong with a ``value`` outside the range, and why, where a known factor explains it."""
        likely = next((cause for factor, cause in self.causes if self.low <= value * factor <= self.high), None)
        text = f"{what} {value:.5g} {self.unit}".rstrip() + f", where {self.low:g} to {self.high:g} can be"
        return text if likely is None else f"{text}: {likely}"


def units(unit: str) -> tuple[tuple[float, str], ...]:
    """The causes of a length that is in another unit than ``unit``, mm or m."""
    sizes = {"mm": 1.0, "cm": 10.0, "m": 1000.0}
    return tuple(
        (size / sizes[unit], f"it seems to be in {name}, where {unit} is expected")
        for name, size in sizes.items()
        if name != unit
    )


def check_scale(predicted: np.ndarray, truth: np.ndarray, causes: Mapping[float, str], path: Path) -> None:
    """Refuse predictions (..., D) of the file ``path`` that a factor of ``causes`` brings far nearer to the truth.

    Raises:
        InputError: names the file, what the factor stands for, and the factor.
    """
    error = np.median(np.linalg.norm(predicted - truth, axis=-1))
    for factor, cause in causes.items():
        if np.median(np.linalg.norm(factor * predicted - truth, axis=-1)) < error / _CLEARLY:
            raise InputError(f"{path}: the predictions {cause}; multiply them by {factor:g} and score them again")
