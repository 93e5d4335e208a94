"""Adam, as RLE and SimplePose use it, on all that is not frozen; its rate falls at the epochs the recipe names."""

import torch
from torch import nn

from downstream.training.training_recipe import StepFineTuning
from liftedcl.engine.loop import Player
from liftedcl.engine.schedule import milestones


def adam_player(module: nn.Module, recipe: StepFineTuning, steps_per_epoch: int) -> Player:
    """A player of liftedcl/engine/loop.py that clips no gradient."""
    rate = milestones(
        recipe.learning_rate,
        steps_per_epoch=steps_per_epoch,
        epochs_list=recipe.milestones,
        factor=recipe.milestone_factor,
    )
    parameters = [parameter for parameter in module.parameters() if parameter.requires_grad]
    return Player(parameters, torch.optim.Adam(parameters, lr=recipe.learning_rate, fused=True), rate)
