"""Recipe of the COCO 2D pose benchmark. No torch."""

from dataclasses import dataclass

from downstream.heatmap_pose.heatmap_recipe import HeatmapPose
from liftedcl.identity.strict import require_share


@dataclass(frozen=True, kw_only=True)
class Coco2D(HeatmapPose):
    """SimplePose on COCO (Xiao et al. 2018; LiftedCL, appendix D).

    Attributes:
        keypoint_threshold: keypoints whose heatmap is higher than this count in a person's score.
        nms_similarity: of people who are more similar than this, by OKS, the one with the best score stays.
    """

    keypoint_threshold: float
    nms_similarity: float

    def __post_init__(self) -> None:
        super().__post_init__()
        require_share(self, "keypoint_threshold", "nms_similarity")
