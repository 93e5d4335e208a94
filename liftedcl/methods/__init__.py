"""The pre-training methods, one file each; shared building blocks are in parts/. No torch here.

A method is an nn.Module with

- ``sections``, a literal: the sections of a row that it reads (liftedcl/recipes/method_entries.py finds it by this);
- ``backbone``, which becomes encoder.pt;
- ``heads``: an nn.ModuleDict of its other trained networks, which becomes heads.pt; ``lifting`` is the lifting network;
- ``players(recipe, steps)``: its optimisers;
- ``losses(batch)``: the engine's (player, loss terms) pairs; with a section ``pairs``, of a `PairBatch`;
- ``observe(epoch)``, which it may have: columns of history.csv after so many epochs, 0 at the start;
- ``write_observed(out)``, which it may have: files of its own in the run's folder, at the end.
"""

import importlib
from collections.abc import Callable
from typing import Any

from liftedcl.recipes.encoder_recipe import EncoderRecipe
from liftedcl.recipes.method_entries import method_entries


def method_class(method: str) -> Callable[..., Any]:
    """The class of a method that trains, called with (recipe, backbone, shard, skeletons). Imports its module alone."""
    entry = method_entries()[method]
    return getattr(importlib.import_module(entry.module), entry.class_name)


def encoder_modules(method: str) -> tuple[str, ...]:
    """The modules that make an encoder with ``method``: the trainer and that method alone."""
    return tuple(filter(None, ("liftedcl.pretrain", method_entries()[method].module)))


def completes(recipe: EncoderRecipe) -> bool:
    """Whether an encoder of this recipe is trained by completing masked images."""
    return recipe.masking is not None


def lifts(recipe: EncoderRecipe) -> bool:
    """Whether an encoder of this recipe is trained with a lifting network."""
    return recipe.lifting is not None and recipe.lifting.adv > 0


def uses_depth(recipe: EncoderRecipe) -> bool:
    """Whether an encoder of this recipe is trained beside a depth encoder, depth_encoder.pt."""
    return recipe.multimodal is not None and recipe.multimodal.depth
