"""The optimiser of every pre-training: SGD with momentum (paper, section 4.1)."""

from collections.abc import Iterable

import torch
from torch import nn

from liftedcl.engine.loop import Player
from liftedcl.engine.schedule import Schedule
from liftedcl.recipes.encoder_recipe import Training


def sgd_player(parameters: Iterable[nn.Parameter], training: Training, schedule: Schedule) -> Player:
    """A player whose parameters follow SGD with the recipe's momentum and weight decay, at ``schedule``'s rate."""
    parameters = list(parameters)
    optimiser = torch.optim.SGD(
        parameters, lr=schedule(0), momentum=training.momentum, weight_decay=training.weight_decay, foreach=True
    )
    return Player(parameters=parameters, optimiser=optimiser, learning_rate=schedule)
