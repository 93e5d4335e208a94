"""Recipes of the two Human3.6M benchmarks. No torch."""

from dataclasses import dataclass

from downstream.h36m.shared.skeleton_prior_recipe import SkeletonPriorRecipe
from downstream.heatmap_pose.heatmap_recipe import HeatmapPose
from downstream.training.augmentation_recipe import AffineAugmentation
from downstream.training.training_recipe import StepFineTuning
from liftedcl.identity.strict import require_at_least, require_positive, require_range, require_share
from liftedcl.recipes.encoder_recipe import SMALLEST_INPUT


@dataclass(frozen=True, kw_only=True)
class H36M2D(HeatmapPose):
    """SimplePose on Human3.6M, judged by JDR (Qiu et al. 2019; paper, appendix D).

    ``head_size`` in px of the original frame: a joint is detected within half of it. ``train_stride`` and
    ``test_stride`` are in frames of the videos: a file that holds every 5th frame, read with 25, gives every 25th.
    ``mpii`` is the folder of an MPII data set whose people are mixed in, each person once an epoch; params.yaml says
    whether, and section ``data`` where it is. ``prior`` is table 9's switch, for people with a 3D pose.
    """

    head_size: float
    train_stride: int
    test_stride: int
    mpii: str | None = None
    prior: SkeletonPriorRecipe | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        require_positive(self, "head_size")
        require_at_least(self, 1, "train_stride", "test_stride")


@dataclass(frozen=True, kw_only=True)
class RLEAugmentation(AffineAugmentation):
    """Augmentation of the RLE recipe: also a gain of the channels, and the share of the box that noise covers."""

    channel_gain: tuple[float, float]
    occlusion: float

    def __post_init__(self) -> None:
        super().__post_init__()
        require_range(self, "channel_gain", 0.01, 100)
        require_share(self, "occlusion")


@dataclass(frozen=True, kw_only=True)
class H36M3D(StepFineTuning):
    """RLE 3D pose on Human3.6M (Li et al. 2021; paper, appendix D).

    ``mpii`` is the folder of an MPII data set whose people are mixed in, as many draws as of Human3.6M, without depth;
    params.yaml says whether, and section ``data`` where it is. ``prior`` is table 9's switch, for people with a 3D
    pose. ``gradient_clip`` is the largest norm of the gradient of each tensor.
    """

    input_size: int
    gradient_clip: float
    box_scale: float
    depth_range_mm: float
    flow_layers: int
    flow_hidden: int
    augmentation: RLEAugmentation
    mpii: str | None = None
    prior: SkeletonPriorRecipe | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        require_at_least(self, SMALLEST_INPUT, "input_size")
        require_at_least(self, 1, "flow_layers", "flow_hidden")
        require_positive(self, "gradient_clip", "box_scale", "depth_range_mm")
