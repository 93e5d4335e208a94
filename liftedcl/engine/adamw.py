"""Parameter groups of AdamW: layer-wise rates, and decay of matrices alone (ViTPose, MAE)."""

from collections.abc import Iterator
from typing import Any

from torch import nn

from liftedcl.identity.errors import InputError
from liftedcl.recipes.adamw_recipe import AdamW


def adamw_groups(module: nn.Module, backbone: nn.Module, options: AdamW, section: str) -> list[dict[str, Any]]:
    """Groups of ``backbone`` by layer, with ``lr_scale`` of the rate, and of all else in ``module`` at the whole rate.

    Layers are timm's. Departure from ViTPose, in which the last norm has the head's rate: it has the last block's.

    Raises:
        InputError: layer-wise rates for a backbone whose layers timm doesn't name; the message names ``section``.
    """
    from timm.optim import param_groups_layer_decay  # here, because importing timm takes half a second

    decay, inside = options.weight_decay, {id(parameter) for parameter in backbone.parameters()}
    if options.layer_decay == 1:
        own = list(_split(backbone, decay, set()))
    elif not hasattr(backbone, "group_matcher"):
        raise InputError(
            f"{section}.layer_decay: {options.layer_decay:g} needs a backbone of timm, which names its layers; use 1"
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
