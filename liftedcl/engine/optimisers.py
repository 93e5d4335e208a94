"""The optimisers of pre-training: SGD with momentum (paper, section 4.1), or AdamW where a row has a section for it."""

from collections.abc import Iterable

import torch
from torch import nn

from liftedcl.engine.adamw import adamw_groups
from liftedcl.engine.loop import Player
from liftedcl.engine.schedule import Schedule, cosine, warmed_up
from liftedcl.recipes.adamw_recipe import AdamWPretraining
from liftedcl.recipes.encoder_recipe import EncoderRecipe, Training


def encoder_player(method: nn.Module, recipe: EncoderRecipe, steps: int) -> dict[str, Player]:
    """The player 'encoder' of every method: its ``backbone`` and ``heads``, at a cosine rate over ``steps`` steps.

    SGD's rate stays the same in an epoch, as in the published code of MoCo, DenseCL, SetSim and LiftedCL; AdamW's
    changes with every step, as MAE's.
    """
    steps_per_epoch = steps // recipe.training.epochs
    if recipe.adamw is None:
        parameters = [*method.backbone.parameters(), *method.heads.parameters()]
        rate = cosine(recipe.training.learning_rate, steps=steps, held=steps_per_epoch)
        return {"encoder": sgd_player(parameters, recipe.training, rate)}
    both = nn.ModuleDict({"backbone": method.backbone, "heads": method.heads})
    groups = adamw_groups(both, method.backbone, recipe.adamw, "adamw")
    return {"encoder": _adamw_player(groups, recipe.adamw, adamw_rate(recipe, steps_per_epoch))}


def player_beside(module: nn.Module, recipe: EncoderRecipe, schedule: Schedule) -> Player:
    """A player for another network than the encoder, such as a critic: the row's optimiser, at ``schedule``'s rate."""
    if recipe.adamw is None:
        return sgd_player(module.parameters(), recipe.training, schedule)
    return _adamw_player(adamw_groups(module, nn.Module(), recipe.adamw, "adamw"), recipe.adamw, schedule)


def sgd_player(parameters: Iterable[nn.Parameter], training: Training, schedule: Schedule) -> Player:
    """A player that SGD steps at ``schedule``'s rate, with the recipe's momentum and weight decay."""
    parameters = list(parameters)
    optimiser = torch.optim.SGD(
        parameters, lr=schedule(0), momentum=training.momentum, weight_decay=training.weight_decay, foreach=True
    )
    return Player(parameters=parameters, optimiser=optimiser, learning_rate=schedule)


def adamw_rate(recipe: EncoderRecipe, steps_per_epoch: int) -> Schedule:
    """The rate of a batch (MAE, appendix A.1): a line up from the first step, then half a cosine.

    Departure: the published first step has the rate 0 and changes nothing; here it has the first share of the line.
    """
    options, training = recipe.adamw, recipe.training
    warmup = round(options.warmup_epochs * steps_per_epoch)
    length = max((options.cosine_epochs or training.epochs) * steps_per_epoch - warmup, 1)
    fall = cosine(options.base_rate * training.batch_size / 256, steps=length)
    return warmed_up(lambda step: fall(max(step - warmup, 0)), steps=warmup, first=1.0 / max(warmup, 1))


def _adamw_player(groups: list[dict], options: AdamWPretraining, rate: Schedule) -> Player:
    groups = [group for group in groups if group["params"]]
    optimiser = torch.optim.AdamW(groups, lr=rate(0), betas=options.betas, foreach=True)
    parameters = [parameter for group in groups for parameter in group["params"]]
    return Player(parameters, optimiser, rate, gradient_clip=options.gradient_clip)
