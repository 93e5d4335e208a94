"""Recipes of the benchmarks: schedule, sizes and augmentation. No torch here: Snakemake reads them."""

from dataclasses import dataclass

from liftedcl.strict import require


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
        require(self.epochs >= 1 and self.batch_size >= 2, "h36m_3d", "needs at least 1 epoch and a batch of 2")


@dataclass(frozen=True)
class Benchmarks:
    """One recipe per downstream benchmark."""

    h36m_3d: H36M3D
