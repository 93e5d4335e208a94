"""Recipe of 2D pose from heatmaps, SimplePose (Xiao et al. 2018), which three benchmarks share. No torch."""

from dataclasses import dataclass

from downstream.training.augmentation_recipe import AffineAugmentation
from downstream.training.training_recipe import StepFineTuning
from liftedcl.identity.strict import require, require_at_least, require_choice, require_positive
from liftedcl.recipes.encoder_recipe import SMALLEST_INPUT

LOSSES = ("mse_mean", "mse_sum", "cross_entropy")


@dataclass(frozen=True, kw_only=True)
class HeatmapPose(StepFineTuning):
    """Sizes in px of the network's input; ``sigma`` in px of the heatmap.

    Attributes:
        box_scale: size of the crop relative to the person's box.
        heatmap_stride: px of the input a cell of the heatmaps, whatever the stride of the backbone's map.
        deconv_width: channels of the transposed convolutions that double the map of a backbone with stages; a plain
            transformer has a head without any.
        loss: ``mse_mean`` (over joints; COCO, MPII), ``mse_sum`` (over joints; Human3.6M), or ``cross_entropy`` over
            the cells, which learns much faster and is for short runs only.
        flip_test: average with the mirrored crop's heatmaps, shifted by one px.
    """

    input_width: int
    input_height: int
    box_scale: float
    heatmap_stride: int
    deconv_width: int
    sigma: float
    loss: str
    flip_test: bool
    augmentation: AffineAugmentation

    def __post_init__(self) -> None:
        super().__post_init__()
        require_at_least(self, SMALLEST_INPUT, "input_width", "input_height")
        require_at_least(self, 1, "heatmap_stride", "deconv_width")
        for key in ("input_width", "input_height"):
            length = getattr(self, key)
            rule = f"{length} is not a multiple of heatmap_stride, {self.heatmap_stride}"
            require(length % self.heatmap_stride == 0, key, rule)
        require_positive(self, "box_scale", "sigma")
        require_choice(self.loss, LOSSES, "loss")
