"""What decides how the regions of a benchmark's training samples are cut and packed. No torch."""

from dataclasses import dataclass, field

from downstream.reading.region_files import FORMATS
from liftedcl.identity.recipe import WHERE_GIVEN
from liftedcl.identity.strict import require, require_at_least, require_choice, require_positive, require_range


@dataclass(frozen=True, kw_only=True)
class RegionCut:
    """The numbers of a fine-tuning recipe that decide the regions; no other number of it changes a byte of them.

    Attributes:
        format: of `region_files.FORMATS`.
        size: width and height of the network's input, px.
        box_scale: size of the plain crop relative to the person's box.
        scale_limits: the smallest and the largest scale of an augmented crop.
        occlusion: largest share of a box that noise covers.
        stride: of the frames.
        mpii: folder of an MPII data set whose people are mixed in.
    """

    format: str
    size: tuple[int, int]
    box_scale: float = 1.0
    scale_limits: tuple[float, float] = (1.0, 1.0)
    occlusion: float = 0.0
    stride: int = 1
    mpii: str | None = field(default=None, metadata=WHERE_GIVEN)

    def __post_init__(self) -> None:
        require_choice(self.format, FORMATS, "format")
        require(min(self.size) >= 1, "size", f"{[*self.size]} has a side below 1")
        require_positive(self, "box_scale")
        require_range(self, "scale_limits", 0.01, 100)
        require(0 <= self.occlusion <= 1, "occlusion", f"{self.occlusion!r} is not from 0 to 1")
        require_at_least(self, 1, "stride")
