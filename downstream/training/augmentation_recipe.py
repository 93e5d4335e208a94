"""Geometric augmentation that the pose and parsing recipes share. No torch."""

from dataclasses import dataclass

from liftedcl.identity.strict import require, require_at_least, require_range, require_share


@dataclass(frozen=True, kw_only=True)
class AffineAugmentation:
    """Relative scale clip(N(1, deviation), limits), rotation clip(N(0, deviation), +-limit) in degrees, and mirror."""

    scale_deviation: float
    scale_limits: tuple[float, float]
    rotation_deviation: float
    rotation_limit: float
    rotation_probability: float
    flip: float

    def __post_init__(self) -> None:
        require_at_least(self, 0, "scale_deviation", "rotation_deviation")
        require_range(self, "scale_limits", 0.01, 100)
        require(0 <= self.rotation_limit <= 180, "rotation_limit", f"{self.rotation_limit:g} is not from 0 to 180")
        require_share(self, "rotation_probability", "flip")
