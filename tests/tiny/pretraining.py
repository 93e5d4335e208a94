"""Methods of the demo at test size, and an untrained LiftedCL; a batch, its views and their close cells."""

import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from repository import REPOSITORY
from torch import Tensor, nn

from liftedcl.images.batches import Batch
from liftedcl.methods import method_class
from liftedcl.networks.encoder import build_backbone, save_encoder, save_state
from liftedcl.networks.lifting import LiftingNetwork
from liftedcl.recipes.encoder_recipe import EncoderRecipe
from liftedcl.recipes.method_entries import method_entries
from liftedcl.views import view_pair
from liftedcl.views.rendering import render_views
from liftedcl.views.view_draw import Geometry, ViewDraw
from workflow.params import read_params

ROWS = read_params(
    REPOSITORY / "params.yaml",
    {"profile": "demo", "encoders": {"defaults": {"training": {"epochs": 3, "batch_size": 8}}}},
).encoders

METHODS = [name for name, entry in method_entries().items() if entry.module]
"""The methods that train."""

IMAGES = 4


def write_untrained_liftedcl(folder: Path, recipe: EncoderRecipe) -> None:
    """Write ``encoder.pt`` and ``heads.pt`` of a LiftedCL that has not been trained, the lifting network alone."""
    torch.manual_seed(0)
    backbone = build_backbone(recipe.backbone)
    network = LiftingNetwork(backbone.out_channels, hidden=recipe.lifting.hidden, blocks=recipe.lifting.blocks)
    save_encoder(backbone, folder / "encoder.pt")
    save_state({f"lifting.{key}": value for key, value in network.state_dict().items()}, folder / "heads.pt")


def tiny_recipe(row: str, **changes: dict[str, float]):
    """Row ``row`` of the demo with a batch of `IMAGES`, and sections changed as ``section={"key": value}``."""
    recipe = read_params(REPOSITORY / "params.yaml", {"profile": "demo"}).encoders[row]
    changes.setdefault("training", {}).update(batch_size=IMAGES)
    if recipe.contrast is not None:
        changes.setdefault("contrast", {}).update(queue=32)
    sections = {name: dataclasses.replace(getattr(recipe, name), **values) for name, values in changes.items()}
    return dataclasses.replace(recipe, **sections)


def tiny_method(recipe) -> nn.Module:
    """The recipe's method. Its key network is moved away from the query network."""
    torch.manual_seed(0)
    method = method_class(recipe.method)(recipe, build_backbone(recipe.backbone), None, None)
    with torch.no_grad():
        for parameter in method.key.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter) * parameter.abs().mean())
    return method


def tiny_batch(step: int = 0) -> Batch:
    generator = torch.Generator().manual_seed(1)
    images = torch.randint(0, 256, (IMAGES, 64, 48, 3), dtype=torch.uint8, generator=generator).permute(0, 3, 1, 2)
    return Batch(images=images, stretches=torch.ones(IMAGES), rows=torch.arange(IMAGES), step=step)


def recorded_draws(monkeypatch: pytest.MonkeyPatch) -> list[ViewDraw]:
    """A list that will hold what a pair of views draws."""
    draws, original = [], view_pair.draw_views

    def draw_views(*arguments) -> ViewDraw:
        draws.append(original(*arguments))
        return draws[-1]

    monkeypatch.setattr(view_pair, "draw_views", draw_views)
    return draws


def rendered(draw: ViewDraw, recipe) -> Tensor:
    return render_views(tiny_batch().images, draw, recipe.views)


def positives_in_loops(first: Geometry, second: Geometry, image, size, threshold) -> np.ndarray:
    """Equation 1 in coordinates from 0 to 1 between the middles of an image's outermost pixels; image: height, width.

    A view goes from the first to the last of its pixels; mirrored, from the last to the first.
    """
    cells = size[0] * size[1]
    result = np.zeros((len(first.boxes), cells, cells), bool)
    for b in range(len(first.boxes)):
        views = []
        for geometry in (first, second):
            x, y, w, h = geometry.boxes[b].double().tolist()
            left, right = x / (image[1] - 1), (x + w - 1) / (image[1] - 1)
            top, bottom = y / (image[0] - 1), (y + h - 1) / (image[0] - 1)
            views.append((right, left, top, bottom) if geometry.flips[b] else (left, right, top, bottom))
        bins = [((right - left) / size[1], (bottom - top) / size[0]) for left, right, top, bottom in views]
        diagonal = max(math.hypot(*extent) for extent in bins)
        for i in range(cells):
            for j in range(cells):
                centres = [
                    (view[0] + extent[0] * (cell % size[1] + 0.5), view[2] + extent[1] * (cell // size[1] + 0.5))
                    for view, extent, cell in zip(views, bins, (i, j), strict=True)
                ]
                result[b, i, j] = math.dist(*centres) / diagonal < threshold
    return result
