"""AdamW for the fine-tuning of transformers: layer-wise rates, decay of matrices alone, warm-up (ViTPose, MAE)."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import torch
from torch import nn

from downstream.training.training_recipe import FineTuning, TransformerTraining
from liftedcl.engine.loop import Player, Task
from liftedcl.engine.schedule import warmed_up
from liftedcl.identity.errors import InputError
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
            for group in _groups(task.module, backbone, options)
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


def _groups(module: nn.Module, backbone: Backbone, options: TransformerTraining) -> list[dict[str, Any]]:
    """Parameter groups: the backbone's by layer, with ``lr_scale`` of the recipe's rate, and those of the head.

    Layers are timm's. Departure from ViTPose, in which the last norm has the head's rate: it has the last block's.
    """
    from timm.optim import param_groups_layer_decay  # here, because importing timm takes half a second

    decay, inside = options.weight_decay, {id(parameter) for parameter in backbone.parameters()}
    if options.layer_decay == 1:
        own = list(_split(backbone, decay, set()))
    elif not hasattr(backbone, "group_matcher"):
        raise InputError(
            f"transformer.layer_decay: {options.layer_decay:g} needs a backbone of timm, which names its layers; use 1"
        )
    else:
        undecayed = backbone.no_weight_decay() if hasattr(backbone, "no_weight_decay") else ()
        own = param_groups_layer_decay(backbone, decay, undecayed, layer_decay=options.layer_decay)
        for group in own:  # timm's last layer is the classifier, which the backbone lacks and the head stands for
            group["lr_scale"] *= options.layer_decay
    return [*own, *_split(module, decay, inside)]


def _split(module: nn.Module, decay: float, without: set[int]) -> Iterator[dict[str, Any]]:
    """Parameters but those of the ids ``without``: matrices, which decay, and the rest, which doesn't."""
    undecayed = module.no_weight_decay() if hasattr(module, "no_weight_decay") else ()
    parts: dict[float, list[nn.Parameter]] = {decay: [], 0.0: []}
    for name, parameter in module.named_parameters():
        if id(parameter) not in without:
            parts[0.0 if parameter.ndim <= 1 or name in undecayed else decay].append(parameter)
    for weight_decay, parameters in parts.items():
        yield {"params": parameters, "weight_decay": weight_decay, "lr_scale": 1.0}
