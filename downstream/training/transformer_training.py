"""AdamW for the fine-tuning of transformers: layer-wise rates, decay of matrices alone, warm-up (ViTPose, MAE)."""

from dataclasses import replace
from typing import Any

import torch

from downstream.training.training_recipe import FineTuning, TransformerTraining
from liftedcl.engine.adamw import adamw_groups
from liftedcl.engine.loop import Player, Task
from liftedcl.engine.schedule import warmed_up
from liftedcl.networks.encoder import Backbone


def train_as_transformer(task: Task, backbone: Backbone, recipe: FineTuning) -> None:
    """Exchange the optimiser of ``task`` for AdamW where the recipe has a section ``transformer``, in place.

    The rate is the benchmark's own, after the warm-up; its limit of the gradient stays unless the section has one.

    Raises:
        InputError: layer-wise rates for a backbone whose layers timm doesn't name.
    """
    options = recipe.transformer
    if options is None:
        return
    for name, player in task.players.items():
        trained = {id(parameter) for parameter in player.parameters}
        groups = [
            {**group, "params": [parameter for parameter in group["params"] if id(parameter) in trained]}
            for group in adamw_groups(task.module, backbone, options, "transformer")
        ]
        groups = [group for group in groups if group["params"]]
        task.players[name] = replace(player, **_with_adamw(player, groups, options))


def _with_adamw(player: Player, groups: list[dict[str, Any]], options: TransformerTraining) -> dict[str, Any]:
    """What changes of ``player``."""
    rate = warmed_up(player.learning_rate, steps=options.warmup_steps, first=options.warmup_first)
    optimiser = torch.optim.AdamW(groups, lr=rate(0), betas=options.betas, foreach=True)
    changes = {"parameters": [part for group in groups for part in group["params"]]}
    if options.gradient_clip is not None:
        changes |= {"gradient_clip": options.gradient_clip, "clip_apart": False}
    return changes | {"optimiser": optimiser, "learning_rate": rate}
