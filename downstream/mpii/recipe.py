"""Recipe of the MPII benchmark. No torch."""

from dataclasses import dataclass

from downstream.heatmap_pose.heatmap_recipe import HeatmapPose
from liftedcl.identity.strict import require


@dataclass(frozen=True, kw_only=True)
class Mpii(HeatmapPose):
    """SimplePose on MPII, judged by PCKh (Andriluka et al. 2014; Xiao et al. 2018; paper, appendix D)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        # A person's scale says how tall they are, but not how wide.
        require(
            self.input_width == self.input_height, "input_width", "must equal input_height: MPII's crops are square"
        )
