"""What every fine-tuning recipe holds: length, batch, rate, and whether the encoder is frozen. No torch."""

from dataclasses import dataclass

from liftedcl.identity.strict import require, require_at_least, require_positive, require_share


@dataclass(frozen=True, kw_only=True)
class TransformerTraining:
    """AdamW in place of a benchmark's own optimiser, as transformers are fine-tuned. The rate is the recipe's.

    Attributes:
        weight_decay: not of biases, norms, position embeddings, class and register tokens.
        betas: of AdamW.
        layer_decay: rate of a block relative to the next one's, and of the last one to the head's, the recipe's.
        drop_path: share of residual branches that a training step skips in the last block, 0 in the first; not of a
            frozen encoder.
        warmup_steps: until then the rate rises in a straight line.
        warmup_first: share of the rate with which the first of them begins.
        gradient_clip: largest norm of the gradient of all parameters together; None leaves the benchmark's.
    """

    weight_decay: float
    betas: tuple[float, float] = (0.9, 0.999)
    layer_decay: float = 1.0
    drop_path: float = 0.0
    warmup_steps: int = 0
    warmup_first: float = 0.001
    gradient_clip: float | None = None

    def __post_init__(self) -> None:
        require_at_least(self, 0, "weight_decay", "warmup_steps")
        require(all(0 <= beta < 1 for beta in self.betas), "betas", f"{self.betas} are not from 0 to below 1")
        require(0 < self.layer_decay <= 1, "layer_decay", f"{self.layer_decay:g} is not above 0 and at most 1")
        require(0 <= self.drop_path < 1, "drop_path", f"{self.drop_path:g} is not from 0 to below 1")
        require_share(self, "warmup_first")
        if self.gradient_clip is not None:
            require_positive(self, "gradient_clip")


@dataclass(frozen=True, kw_only=True)
class FineTuning:
    """``probe`` freezes the encoder, its batch norms included, so that only the layers on top of it are trained.

    ``fraction`` of the training samples, drawn by the seed, is trained on; steps and schedule don't change with it.

    Batch norm takes its statistics over each ``norm_samples`` samples of a step; None, or more than there are, means
    over all of them. ``transformer`` exchanges the benchmark's optimiser; None keeps it.
    """

    epochs: int
    batch_size: int
    learning_rate: float
    probe: bool = False
    fraction: float = 1.0
    norm_samples: int | None = None
    transformer: TransformerTraining | None = None

    def __post_init__(self) -> None:
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
