"""Recipes of what encoders are trained on: person crops, stage I pictures, sampled skeletons."""

from dataclasses import dataclass

from liftedcl.skeleton import JOINTS
from liftedcl.strict import ValueRuleError, require


@dataclass(frozen=True)
class Crops:
    """Person crops (paper, appendix A)."""

    height: int
    width: int
    min_keypoints: int
    min_side: float

    def __post_init__(self) -> None:
        require(self.height > 0, "height", "is above 0")
        if self.height * 3 != self.width * 4:
            raise ValueRuleError(f"height: {self.height}x{self.width} is not height:width = 4:3")


@dataclass(frozen=True)
class Pictures:
    """Packed stage I pictures: side of the square they are cropped to, in pixels."""

    size: int

    def __post_init__(self) -> None:
        require(self.size > 0, "size", "is above 0")


@dataclass(frozen=True)
class Angles:
    """Ranges [low, high] of a bone's three Euler angles in degrees; liftedcl/prior.py says what each turns."""

    a: tuple[float, float]
    b: tuple[float, float]
    c: tuple[float, float]

    def __post_init__(self) -> None:
        for name in ("a", "b", "c"):
            low, high = getattr(self, name)
            require(-360 <= low <= high <= 360, name, f"[{low:g}, {high:g}] is not [low, high] in degrees")


@dataclass(frozen=True)
class Skeletons:
    """The kinematic prior (paper, appendix B). ``ranges``: composition -> joint that ends the bone -> angles."""

    count: int
    seed: int
    composition: str
    length_ratio: tuple[float, float]
    ranges: dict[str, dict[str, Angles]]

    def __post_init__(self) -> None:
        require(self.count >= 1, "count", "is at least 1")
        require(0 < self.length_ratio[0] <= self.length_ratio[1], "length_ratio", "is [low, high] above 0")
        require(self.composition in ("chained", "global"), "composition", "is chained or global")
        require(self.composition in self.ranges, f"ranges.{self.composition}", "is missing")
        for composition, bones in self.ranges.items():
            require(composition in ("chained", "global"), f"ranges.{composition}", "is neither chained nor global")
            require(set(bones) == set(JOINTS[1:]), f"ranges.{composition}", f"names each of {', '.join(JOINTS[1:])}")
