"""The polynomial learning rate of HCMoCo's parsing."""

from liftedcl.engine.schedule import Schedule


def polynomial(base: float, *, steps: int, power: float) -> Schedule:
    """``base`` (1 - s / steps) ** ``power``, s being the step before: the published code sets a rate after its step."""
    return lambda step: base * (1.0 - max(step - 1, 0) / steps) ** power
