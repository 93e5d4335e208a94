"""Ranges that values of a data set lie in, with room to spare, and what a value outside them likely means."""

from dataclasses import dataclass


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
