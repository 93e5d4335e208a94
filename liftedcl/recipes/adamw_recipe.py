"""AdamW, as transformers are pre-trained and fine-tuned. No torch."""

from dataclasses import dataclass

from liftedcl.identity.strict import require, require_at_least, require_positive


@dataclass(frozen=True, kw_only=True)
class AdamW:
    """What pre-training and fine-tuning have in common.

    Attributes:
        weight_decay: not of biases, norms, position embeddings, class and register tokens.
        betas: of AdamW.
        layer_decay: rate of a block relative to the next one's, and of the last one to the head's.
        drop_path: share of residual branches that a training step skips in the last block, 0 in the first; not of a
            frozen encoder.
        gradient_clip: largest norm of the gradient of all parameters together; None sets no limit in pre-training, and
            leaves a benchmark's own.
    """

    weight_decay: float
    betas: tuple[float, float] = (0.9, 0.999)
    layer_decay: float = 1.0
    drop_path: float = 0.0
    gradient_clip: float | None = None

    def __post_init__(self) -> None:
        require_at_least(self, 0, "weight_decay")
        require(all(0 <= beta < 1 for beta in self.betas), "betas", f"{self.betas} are not from 0 to below 1")
        require(0 < self.layer_decay <= 1, "layer_decay", f"{self.layer_decay:g} is not above 0 and at most 1")
        require(0 <= self.drop_path < 1, "drop_path", f"{self.drop_path:g} is not from 0 to below 1")
        if self.gradient_clip is not None:
            require_positive(self, "gradient_clip")


@dataclass(frozen=True, kw_only=True)
class AdamWPretraining(AdamW):
    """In place of SGD: a rise in a straight line to the rate, then half a cosine (MAE, He et al. 2022, appendix A.1).

    Attributes:
        base_rate: the learning rate of 256 images a step; it is in proportion to the batch.
        warmup_epochs: until then the rate rises from 0.
        cosine_epochs: at which the rate would be 0, which may be after the run's end; None is the run's end.
    """

    base_rate: float
    warmup_epochs: float = 0.0
    cosine_epochs: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        require_positive(self, "base_rate")
        require_at_least(self, 0, "warmup_epochs")
        if self.cosine_epochs is not None:
            rule = f"{self.cosine_epochs} is not above warmup_epochs ({self.warmup_epochs:g})"
            require(self.cosine_epochs > self.warmup_epochs, "cosine_epochs", rule)
