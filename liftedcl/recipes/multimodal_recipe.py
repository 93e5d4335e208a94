"""Pre-training on several modalities of a person: colour, depth, and the skeleton of the labelled joints. No torch."""

from dataclasses import dataclass

from liftedcl.identity.strict import require, require_at_least, require_positive, require_range, require_share

_LARGEST_AREA = 16.0


@dataclass(frozen=True)
class People:
    """Views of people with labelled joints (HCMoCo, Hong et al. 2022): ``area`` is the range of a view's area, as a
    share of the packed crop's; a view may reach past the crop."""

    area: tuple[float, float]

    def __post_init__(self) -> None:
        require_range(self, "area", 0.001, _LARGEST_AREA)


@dataclass(frozen=True)
class Multimodal:
    """Contrast between modalities (HCMoCo, sections 3.2 to 3.4).

    Attributes:
        depth: whether depth is a modality; without it these are colour and skeleton.
        depth_backbone: null for that of the row, which then also starts from the same weights.
        continues: start from all networks and memory banks of the row ``start``, and not from its encoder alone.
        dimension: of all embeddings.
        temperature: tau, of all terms.
        negatives: K, drawn from a memory bank at each step.
        bank_momentum: the share of its old value that an entry of a memory bank keeps.
        hidden, blocks: channels of the graph network, and its residual blocks.
        points: drawn in each depth map, for the dense term.
        norm_groups: equal parts of a batch that batch norms normalise by themselves, as several GPUs do.
        sample, dense, joint, subject: weights of the sample-level term, of the dense intra-sample term, and of the two
            parts of the sparse structure-aware term: joints against nodes of the skeleton, and against joints of other
            people. 0 leaves a term out. The published weights are 1.
    """

    depth: bool
    depth_backbone: str | None
    continues: bool
    dimension: int
    temperature: float
    negatives: int
    bank_momentum: float
    hidden: int
    blocks: int
    points: int
    norm_groups: int
    sample: float
    dense: float
    joint: float
    subject: float

    def __post_init__(self) -> None:
        require_at_least(self, 1, "dimension", "negatives", "hidden", "points", "norm_groups")
        require_at_least(self, 0, "blocks", "sample", "dense", "joint", "subject")
        require_positive(self, "temperature")
        require_share(self, "bank_momentum")
        require(self.sample + self.dense + self.joint + self.subject > 0, "sample", "all terms have the weight 0")
        require(self.depth or not self.dense, "dense", "aligns colour with depth, and depth is off; set 0")
        require(self.depth or self.depth_backbone is None, "depth_backbone", "depth is off; set null")


@dataclass(frozen=True)
class Keypoints:
    """Supervised 2D keypoints: ``sigma`` is the deviation of a target's Gaussian, in cells of a quarter of the view."""

    sigma: float

    def __post_init__(self) -> None:
        require_positive(self, "sigma")
