"""Recipe of the COCO 2D pose benchmark. No torch."""

from dataclasses import dataclass

from downstream.heatmap_pose.heatmap_recipe import HeatmapPose
from liftedcl.identity.strict import require_share


@dataclass(frozen=True, kw_only=True)
class Coco2D(HeatmapPose):
    """SimplePose on COCO (Xiao et al. 2018; LiftedCL, appendix D).

    Attributes:
        keypoint_threshold: a person's score takes the keypoints whose heatmap is higher than this.
        nms_similarity: of people whose OKS with each other is above this, only the one with the best score is kept.
    """

    keypoint_threshold: float
    nms_similarity: float

    def __post_init__(self) -> None:
        super().__post_init__()
        require_share(self, "keypoint_threshold", "nms_similarity")
