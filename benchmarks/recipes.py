"""The recipes that benchmarks run: the paper's, from params.yaml, and the same at sizes for a CPU."""

import dataclasses
from pathlib import Path
from typing import Any

from liftedcl.recipes.data_recipes import Skeletons
from liftedcl.recipes.encoder_recipe import EncoderRecipe
from workflow.params import read_params

_PARAMS = Path(__file__).resolve().parent.parent / "params.yaml"

PAPER = read_params(_PARAMS, {"profile": "paper"})
DEMO = read_params(_PARAMS, {"profile": "demo"})


def skeleton_recipe(composition: str) -> Skeletons:
    """The kinematic prior with ``composition`` chained (the default) or global (the paper's rule)."""
    return read_params(_PARAMS, {"profile": "paper", "skeletons": {"composition": composition}}).skeletons


def liftedcl_recipe(backbone: str, *, batch_size: int, size: int, queue: int, **contrast: Any) -> EncoderRecipe:
    """The paper's LiftedCL with another backbone, batch size, side of the views in pixels, and queue."""
    recipe = PAPER.encoders["liftedcl_in_cc"]
    blur = (recipe.views.blur[0], recipe.views.blur[1] * size / recipe.views.size)
    return dataclasses.replace(
        recipe,
        backbone=backbone,
        training=dataclasses.replace(recipe.training, batch_size=batch_size),
        views=dataclasses.replace(recipe.views, size=size, blur=blur),
        contrast=dataclasses.replace(recipe.contrast, queue=queue, **contrast),
    )
