"""Learning rates as pure functions of the step, counted from 0."""

import math
from collections.abc import Callable, Sequence

Schedule = Callable[[int], float]


def cosine(base: float, *, steps: int, held: int = 1) -> Schedule:
    """Half a cosine from ``base`` to 0 over ``steps`` steps (paper, section 4.1); a value stays for ``held`` steps."""
    return lambda step: base * 0.5 * (1.0 + math.cos(math.pi * (step // held * held) / steps))


def constant(base: float) -> Schedule:
    """``base`` at every step."""
    return lambda step: base


def warmed_up(rate: Schedule, *, steps: int, first: float) -> Schedule:
    """``rate`` after ``steps`` steps; the first takes the share ``first`` of it, and shares rise in a straight line."""
    return lambda step: rate(step) * (1.0 if step >= steps else first + (1.0 - first) * step / steps)


def milestones(base: float, *, steps_per_epoch: int, epochs_list: Sequence[int], factor: float) -> Schedule:
    """``base``, multiplied by ``factor`` at the first step of each epoch in ``epochs_list`` (epochs count from 0)."""
    return lambda step: base * factor ** sum(step >= epoch * steps_per_epoch for epoch in epochs_list)
