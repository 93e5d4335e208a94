"""Recipe of the 3D prior in fine-tuning (paper, section 4.3 and table 9). No torch."""

from dataclasses import dataclass, field

from liftedcl.identity.strict import require, require_at_least, require_range
from liftedcl.skeletons.skeleton import HINGED


@dataclass(frozen=True, kw_only=True)
class SkeletonPriorRecipe:
    """A lifting network beside the head estimates the 3D pose; what its bones exceed of the ranges is penalised.

    Attributes:
        hidden: width of the lifting network.
        blocks: its residual blocks.
        lifting: weight of the error of the estimated 3D pose.
        penalty: weight of bone lengths and joint angles outside their ranges.
        length_ratio: bone lengths against the template, the body's overall size taken out.
        bends: joint -> angle in degrees between the bone that ends there and its parent bone. params.yaml fills in
            the ranges that skeletons are sampled from, unless others are named.
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
            require(joint in HINGED, f"bends.{joint}", f"a bend is that of one of {', '.join(HINGED)}")
            require(0 <= low <= high <= 180, f"bends.{joint}", f"[{low:g}, {high:g}] is no range within 0 and 180")
