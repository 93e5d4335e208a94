"""What every fine-tuning recipe holds: length, batch, rate, and whether the encoder is frozen. No torch."""

from dataclasses import dataclass, field

from downstream.reading.region_files import FORMATS
from liftedcl.identity.recipe import WHERE_GIVEN
from liftedcl.identity.strict import require, require_at_least, require_choice, require_positive, require_share
from liftedcl.recipes.adamw_recipe import AdamW

PRECISIONS = ("bfloat16",)


@dataclass(frozen=True, kw_only=True)
class TransformerTraining(AdamW):
    """AdamW in place of a benchmark's own optimiser, as transformers are fine-tuned. The rate is the recipe's.

    Attributes:
        warmup_steps: until then the rate rises in a straight line.
        warmup_first: share of the rate with which the first of them begins.
    """

    warmup_steps: int = 0
    warmup_first: float = 0.001

    def __post_init__(self) -> None:
        super().__post_init__()
        require_at_least(self, 0, "warmup_steps")
        require_share(self, "warmup_first")


@dataclass(frozen=True, kw_only=True)
class FineTuning:
    """``probe`` freezes the encoder, its batch norms included, so that only the layers on top of it are trained.

    ``fraction`` of the training samples, drawn by the seed, is trained on; steps and schedule don't change with it.

    Batch norm takes its statistics over each ``norm_samples`` samples of a step; None, or more than there are, means
    over all of them. ``transformer`` exchanges the benchmark's optimiser; None keeps it.

    ``regions``, of `region_files.FORMATS`, has the part of each image that training can see cut and packed once;
    None decodes whole images in each epoch.

    ``precision`` bfloat16 computes encoder and head in bfloat16 where that is accurate enough. A GPU's products of what
    stays in float32 (losses, flows, the body model) are then of TF32, and cuDNN takes the kernels that a trial finds
    fastest. None, as published, computes everything in float32.
    """

    epochs: int
    batch_size: int
    learning_rate: float
    probe: bool = False
    fraction: float = 1.0
    norm_samples: int | None = None
    transformer: TransformerTraining | None = None
    regions: str | None = field(default=None, metadata=WHERE_GIVEN)
    precision: str | None = field(default=None, metadata=WHERE_GIVEN)

    def __post_init__(self) -> None:
        if self.regions is not None:
            require_choice(self.regions, FORMATS, "regions")
        if self.precision is not None:
            require_choice(self.precision, PRECISIONS, "precision")
        require_at_least(self, 1, "epochs")
        require_at_least(self, 2, "batch_size")
        require_positive(self, "learning_rate")
        require(0 < self.fraction <= 1, "fraction", f"{self.fraction:g} is not above 0 and at most 1")
        if self.norm_samples is not None:
            require_at_least(self, 2, "norm_samples")
            even = self.batch_size <= self.norm_samples or self.batch_size % self.norm_samples == 0
            require(even, "norm_samples", f"{self.norm_samples} does not divide batch_size {self.batch_size}")


@dataclass(frozen=True, kw_only=True)
class StepFineTuning(FineTuning):
    """The rate is multiplied by ``milestone_factor`` when an epoch of ``milestones`` begins."""

    milestones: tuple[int, ...]
    milestone_factor: float

    def __post_init__(self) -> None:
        super().__post_init__()
        ascending = all(first < second for first, second in zip(self.milestones, self.milestones[1:], strict=False))
        require(ascending and min(self.milestones, default=0) >= 0, "milestones", "are ascending epochs from 0 on")
        require(0 < self.milestone_factor <= 1, "milestone_factor", f"{self.milestone_factor:g} is not in (0, 1]")
