"""The optimiser of every pre-training: SGD with momentum (paper, section 4.1)."""

from collections.abc import Iterable

import torch
from torch import nn

from liftedcl.engine.loop import Player
from liftedcl.engine.schedule import Schedule, cosine
from liftedcl.recipes.encoder_recipe import Training


def sgd_player(parameters: Iterable[nn.Parameter], training: Training, schedule: Schedule) -> Player:
    """A player that SGD steps at ``schedule``'s rate, with the recipe's momentum and weight decay."""
    parameters = list(parameters)
    optimiser = torch.optim.SGD(
        parameters, lr=schedule(0), momentum=training.momentum, weight_decay=training.weight_decay, foreach=True
    )
    return Player(parameters=parameters, optimiser=optimiser, learning_rate=schedule)


def encoder_player(method: nn.Module, training: Training, steps: int) -> dict[str, Player]:
    """The player 'encoder' of every method: its ``backbone`` and ``heads``, at a cosine rate over ``steps`` steps.

    The rate stays the same in an epoch, as in the published code of MoCo, DenseCL, SetSim and LiftedCL.
    """
    parameters = [*method.backbone.parameters(), *method.heads.parameters()]
    rate = cosine(training.learning_rate, steps=steps, held=steps // training.epochs)
    return {"encoder": sgd_player(parameters, training, rate)}
