"""Recipes of the benchmarks: schedule, sizes and augmentation. No torch here: Snakemake reads them."""

from dataclasses import dataclass

from liftedcl.encoder_recipe import SMALLEST_INPUT
from liftedcl.strict import require, require_at_least, require_positive, require_range, require_share


@dataclass(frozen=True)
class PoseAugmentation:
    """Augmentation of the RLE recipe: relative scale, rotation in degrees, channel gain, covered share of the box."""

    scale_deviation: float
    scale_limits: tuple[float, float]
    rotation_deviation: float
    rotation_limit: float
    rotation_probability: float
    flip: float
    channel_gain: tuple[float, float]
    occlusion: float

    def __post_init__(self) -> None:
        require_at_least(self, 0, "scale_deviation", "rotation_deviation")
        require_range(self, "scale_limits", 0.01, 100)
        require(0 <= self.rotation_limit <= 180, "rotation_limit", f"{self.rotation_limit:g} is not from 0 to 180")
        require_share(self, "rotation_probability", "flip", "occlusion")
        require_range(self, "channel_gain", 0.01, 100)


@dataclass(frozen=True)
class H36M3D:
    """RLE 3D pose on Human3.6M (Li et al. 2021; paper, appendix D)."""

    input_size: int
    epochs: int
    batch_size: int
    learning_rate: float
    milestones: tuple[int, ...]
    milestone_factor: float
    gradient_clip: float
    box_scale: float
    depth_range_mm: float
    flow_layers: int
    flow_hidden: int
    augmentation: PoseAugmentation

    def __post_init__(self) -> None:
        require_at_least(self, SMALLEST_INPUT, "input_size")
        require_at_least(self, 1, "epochs", "flow_layers", "flow_hidden")
        require_at_least(self, 2, "batch_size")
        require_positive(self, "learning_rate", "gradient_clip", "box_scale", "depth_range_mm")
        ascending = all(first < second for first, second in zip(self.milestones, self.milestones[1:], strict=False))
        require(ascending and min(self.milestones, default=0) >= 0, "milestones", "are ascending epochs from 0 on")
        require(0 < self.milestone_factor <= 1, "milestone_factor", f"{self.milestone_factor:g} is not in (0, 1]")


@dataclass(frozen=True)
class Benchmarks:
    """One recipe per downstream benchmark."""

    h36m_3d: H36M3D
