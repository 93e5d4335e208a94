"""Recipe of human parsing on LIP: SCHP (Li et al. 2020), a CE2P-style network with self-correction. No torch."""

from dataclasses import dataclass

from downstream.training.augmentation_recipe import AffineAugmentation
from downstream.training.training_recipe import FineTuning
from liftedcl.identity.strict import require, require_at_least, require_positive, require_share
from liftedcl.recipes.encoder_recipe import SMALLEST_INPUT


@dataclass(frozen=True, kw_only=True)
class LIP(FineTuning):
    """SGD: warm-up, a cosine until ``first_round``, then a restart every ``round_epochs``.

    Attributes:
        input_size: side of the square that the whole image is fitted into, px.
        lowest_learning_rate: the rate at which the warm-up begins and to which every cosine falls; rates stay the same
            for an epoch.
        restart_learning_rate: the rate at which the cosine of each round begins.
        first_round: epochs after which the student becomes the first teacher.
        round_epochs: epochs between two self-correction rounds; the last one is at the end of the run.
        pyramid_width: channels of the pyramid pooling.
        width: channels of decoder, edge branch and fusion.
        detail_width: channels that the decoder makes of the first stage's map.
        dropout: share of the fused channels that are dropped in a training step.
    """

    input_size: int
    momentum: float
    weight_decay: float
    lowest_learning_rate: float
    restart_learning_rate: float
    warmup_epochs: int
    first_round: int
    round_epochs: int
    pyramid_width: int
    width: int
    detail_width: int
    dropout: float
    augmentation: AffineAugmentation

    def __post_init__(self) -> None:
        super().__post_init__()
        require_at_least(self, SMALLEST_INPUT, "input_size")
        require(0 <= self.momentum < 1, "momentum", f"{self.momentum:g} is not from 0 to below 1")
        require_at_least(self, 0, "weight_decay", "lowest_learning_rate", "warmup_epochs")
        require_positive(self, "restart_learning_rate")
        require_at_least(self, 1, "round_epochs", "pyramid_width", "width", "detail_width")
        require(
            self.warmup_epochs < self.first_round <= self.epochs,
            "first_round",
            f"{self.first_round} is not after the warm-up ({self.warmup_epochs}) and within the {self.epochs} epochs",
        )
        require(
            (self.epochs - self.first_round) % self.round_epochs == 0,
            "round_epochs",
            f"rounds of {self.round_epochs} epochs from epoch {self.first_round} on don't end at epoch {self.epochs}",
        )
        require_share(self, "dropout")
