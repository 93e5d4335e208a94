"""Trains every method for a few steps and stores what came out; run by test_world.py in one process and in two."""

import argparse
import dataclasses
import importlib
from pathlib import Path

import numpy as np
import torch
from torch import nn

from liftedcl import world
from liftedcl.device import prepare_device
from liftedcl.encoder import build_backbone
from liftedcl.encoder_recipe import METHOD_SECTIONS, EncoderRecipe
from liftedcl.engine import fit
from liftedcl.grouped_norm import group_batch_norms
from liftedcl.methods import METHODS
from liftedcl.pretrain import PretrainingTask
from liftedcl.recipe import read_recipe
from liftedcl.shard import open_shard

BATCH = 8


def train(method: str, recipe: EncoderRecipe, images: Path, out: Path) -> dict:
    """Two epochs of two steps; the history and the state of everything."""
    torch.manual_seed(0)
    skeletons = torch.nn.functional.normalize(torch.randn(20, 51), dim=1).view(-1, 17, 3).numpy().astype(np.float32)
    shard, backbone = open_shard(images), build_backbone(recipe.backbone)
    module = importlib.import_module(METHODS[method]).Method(recipe, backbone, shard, skeletons)
    task = PretrainingTask(module, recipe, shard, 0, torch.device("cpu"))
    history = fit(
        task, folder=out / method, identity={}, seed=0, device=torch.device("cpu"), name=method, observe=task.observe
    )
    return {"history": history, "state": task.module.state_dict()}


def messages() -> dict[str, torch.Tensor]:
    """What each function of liftedcl.world gives for known rows."""
    rows = torch.arange(12.0).view(6, 2)
    mean = [world.mine(rows).mean(dim=0), torch.full((3,), float(world.rank()))]
    world.average_(mean)
    return {
        "rows": world.gathered(world.mine(rows) * 10),
        "total": world.total(world.mine(rows).sum()),
        "mean": mean[0],
        "agreed": torch.tensor(world.agreed(world.rank() == 0, world.rank() > 0)),
    }


def norms() -> dict[str, torch.Tensor]:
    """Output, gradients and running statistics of batch norms over one group, and over four."""
    torch.manual_seed(1)
    images, weights = torch.randn(8, 3, 5, 5) * torch.arange(1, 9).view(8, 1, 1, 1), torch.randn(8, 3, 5, 5)
    found = {}
    for groups in (1, 4):
        norm = group_batch_norms(nn.Sequential(nn.BatchNorm2d(3)), groups, batch_size=8)
        x = world.mine(images).clone().requires_grad_()
        out = norm(x)
        (out * world.mine(weights)).sum(dim=(1, 2, 3)).mean().backward()
        gradients = [parameter.grad for parameter in norm.parameters()]
        world.average_([*gradients, norm[0].running_mean, norm[0].running_var])
        # A row's gradient is that of its process's mean loss, of which the global one is a share.
        input_gradient = world.gathered(x.grad) / world.size()
        found |= {f"{groups} out": world.gathered(out), f"{groups} input gradient": input_gradient}
        found |= {f"{groups} gradient {i}": gradient for i, gradient in enumerate(gradients)}
        found |= {f"{groups} {key}": value for key, value in norm[0].state_dict().items()}
    return found


def main() -> None:
    parser = argparse.ArgumentParser()
    for name in ("recipe", "images", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    arguments = parser.parse_args()
    prepare_device(1)
    base = read_recipe(EncoderRecipe, str(arguments.recipe))
    results = {"messages": messages(), "norms": norms()}
    for method in METHODS:
        sections = {name: getattr(base, name) for name in METHOD_SECTIONS[method]}
        recipe = EncoderRecipe(method=method, backbone=base.backbone, images="coco", **sections)
        training = dataclasses.replace(recipe.training, batch_size=BATCH, epochs=2)
        recipe = dataclasses.replace(recipe, training=training)
        results[method] = train(method, recipe, arguments.images, arguments.out)
    torch.save(results, arguments.out / f"{world.rank()}of{world.size()}.pt")


if __name__ == "__main__":
    with world.joined():
        main()
