"""Recipe of Human3.6M parsing (HCMoCo, CVPR 2022, and its published code). No torch."""

from dataclasses import dataclass

from downstream.training.training_recipe import FineTuning
from liftedcl.identity.strict import (
    require,
    require_at_least,
    require_choice,
    require_range,
    require_share,
)
from liftedcl.recipes.encoder_recipe import SMALLEST_INPUT

INPUTS = ("rgb", "depth")


@dataclass(frozen=True, kw_only=True)
class FrameAugmentation:
    """The whole frame at a scale ``scale_limits[0]`` + k ``scale_step``, up to the other limit, cropped at random;
    mirrored with probability ``flip``."""

    scale_limits: tuple[float, float]
    scale_step: float
    flip: float

    def __post_init__(self) -> None:
        require_range(self, "scale_limits", 0.1, 10)
        require_at_least(self, 1e-3, "scale_step")
        require_share(self, "flip")


@dataclass(frozen=True, kw_only=True)
class H36MParsing(FineTuning):
    """SGD on the unweighted cross-entropy of 25 classes, with a polynomial rate.

    Attributes:
        input: what the encoder sees: ``rgb``, or ``depth``, which only generated people have.
        input_size: side of the square that the whole frame is stretched to, px.
        power: of the rate, which falls as (1 - share of the steps) to this power.
        head_width: channels between the two 1x1 convolutions of the head.
        flip_test: average the prediction with that of the mirrored frame.
        train_stride, test_stride: every so many frames of the videos; a list that holds every 25th, read with 25, is
            taken whole.
    """

    input: str
    input_size: int
    momentum: float
    weight_decay: float
    power: float
    head_width: int
    flip_test: bool
    train_stride: int
    test_stride: int
    augmentation: FrameAugmentation

    def __post_init__(self) -> None:
        super().__post_init__()
        require_choice(self.input, INPUTS, "input")
        require_at_least(self, SMALLEST_INPUT, "input_size")
        require(0 <= self.momentum < 1, "momentum", f"{self.momentum:g} is not from 0 to below 1")
        require_at_least(self, 0, "weight_decay", "power")
        require_at_least(self, 1, "head_width", "train_stride", "test_stride")
