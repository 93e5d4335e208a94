"""Recipe of the 3D prior in fine-tuning (paper, section 4.3 and table 9). No torch."""

from dataclasses import dataclass, field

from liftedcl.identity.strict import require, require_at_least, require_range
from liftedcl.skeletons.skeleton import HINGED


@dataclass(frozen=True, kw_only=True)
class SkeletonPriorRecipe:
    """A lifting network beside the head estimates the 3D pose; bones outside their ranges are penalised.

    Attributes:
        hidden: width of the lifting network.
        blocks: its residual blocks.
        lifting: weight of the error of the estimated 3D pose.
        penalty: weight of bone lengths and joint angles outside their ranges.
        length_ratio: range of bone lengths relative to the template, after the body's overall size is divided out.
        bends: joint -> range in degrees of the angle between the bone that ends there and its parent bone. By default
            these are the ranges that skeletons are sampled from.
    """

    hidden: int
    blocks: int
    lifting: float
    penalty: float
    length_ratio: tuple[float, float]
    bends: dict[str, tuple[float, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        require_at_least(self, 1, "hidden", "blocks")
        require_at_least(self, 0, "lifting", "penalty")
        require_range(self, "length_ratio", 0.01, 100)
        for joint, (low, high) in self.bends.items():
            require(joint in HINGED, f"bends.{joint}", f"the joints with a bend are {', '.join(HINGED)}")
            require(0 <= low <= high <= 180, f"bends.{joint}", f"[{low:g}, {high:g}] is not a range within 0 and 180")
