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
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from liftedcl.identity.errors import InputError
from liftedcl.recipes.encoder_recipe import EncoderRecipe
from liftedcl.recipes.method_entries import MethodEntry, method_entries


def method_class(method: str | MethodEntry) -> Callable[..., Any]:
    """The class of a method that trains, called with (recipe, backbone, shard, skeletons). Imports its module alone.

    ``method`` is its name or, as one from outside has none, its entry (`outside_method.method_of` its recipe).

    Raises:
        InputError: a method from outside can't be imported.
    """
    entry = method_entries()[method] if isinstance(method, str) else method
    module = importlib.import_module(entry.module) if entry.place is None else _from_outside(entry)
    return getattr(module, entry.class_name)


def encoder_modules(method: str | MethodEntry) -> tuple[str, ...]:
    """The modules that make an encoder with ``method``: the trainer and that method alone."""
    entry = method_entries()[method] if isinstance(method, str) else method
    return tuple(filter(None, ("liftedcl.pretrain", entry.module)))


def _from_outside(entry: MethodEntry) -> Any:
    if entry.place.package == "" and (folder := str(entry.place.folder)) not in sys.path:
        sys.path.insert(0, folder)  # its code may import what is beside it, as that of a script may
    try:
        module = importlib.import_module(entry.module)
    except (ImportError, SyntaxError) as error:
        raise InputError(
            f"{entry.file}: can't be imported: {error}; install what it needs beside this project"
        ) from None
    if not Path(module.__file__ or "").samefile(entry.file):
        raise InputError(f"{entry.file}: Python has another module {entry.module}, {module.__file__}; rename your file")
    return module


def completes(recipe: EncoderRecipe) -> bool:
    """Whether an encoder of this recipe is trained by completing masked images."""
    return recipe.masking is not None


def lifts(recipe: EncoderRecipe) -> bool:
    """Whether an encoder of this recipe is trained with a lifting network."""
    return recipe.lifting is not None and recipe.lifting.adv > 0


def uses_depth(recipe: EncoderRecipe) -> bool:
    """Whether an encoder of this recipe is trained beside a depth encoder, depth_encoder.pt."""
    return recipe.multimodal is not None and recipe.multimodal.depth
