"""Messages, batch norms and every method for a few steps, in one process or in two (test_distributed.py)."""

import argparse
from pathlib import Path

import torch
from torch import nn

from liftedcl.checks.method_checks import noise_in
from liftedcl.checks.several_processes import train
from liftedcl.engine import distributed
from liftedcl.engine.device import prepare_device
from liftedcl.identity.recipe import read_recipe
from liftedcl.networks.grouped_norm import group_batch_norms
from liftedcl.recipes.encoder_recipe import EncoderRecipe


def messages() -> dict[str, torch.Tensor]:
    """What each function of liftedcl.engine.distributed gives for known rows."""
    rows = torch.arange(12.0).view(6, 2)
    mean = [distributed.mine(rows).mean(dim=0), torch.full((3,), float(distributed.rank()))]
    distributed.average_(mean)
    return {
        "rows": distributed.gathered(distributed.mine(rows) * 10),
        "total": distributed.total(distributed.mine(rows).sum()),
        "mean": mean[0],
        "agreed": torch.tensor(distributed.agreed(distributed.rank() == 0, distributed.rank() > 0)),
    }


def norms() -> dict[str, torch.Tensor]:
    """Output, gradients and running statistics of batch norms over one group, and over four."""
    torch.manual_seed(1)
    images, weights = torch.randn(8, 3, 5, 5) * torch.arange(1, 9).view(8, 1, 1, 1), torch.randn(8, 3, 5, 5)
    found = {}
    for groups in (1, 4):
        norm = group_batch_norms(nn.Sequential(nn.BatchNorm2d(3)), groups, batch_size=8)
        x = distributed.mine(images).clone().requires_grad_()
        out = norm(x)
        (out * distributed.mine(weights)).sum(dim=(1, 2, 3)).mean().backward()
        gradients = [parameter.grad for parameter in norm.parameters()]
        distributed.average_([*gradients, norm[0].running_mean, norm[0].running_var])
        # A row's gradient is that of its process's mean loss, of which the global one is a share.
        input_gradient = distributed.gathered(x.grad) / distributed.size()
        found |= {f"{groups} out": distributed.gathered(out), f"{groups} input gradient": input_gradient}
        found |= {f"{groups} gradient {i}": gradient for i, gradient in enumerate(gradients)}
        found |= {f"{groups} {key}": value for key, value in norm[0].state_dict().items()}
    return found


def main() -> None:
    parser = argparse.ArgumentParser()
    for name in ("recipes", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    arguments = parser.parse_args()
    prepare_device(1)
    results = {"messages": messages(), "norms": norms()}
    for line in arguments.recipes.read_text().splitlines():
        recipe = read_recipe(EncoderRecipe, line)
        results[recipe.method] = train(recipe, noise_in(arguments.recipes.parent), arguments.out / recipe.method)
    torch.save(results, arguments.out / f"{distributed.rank()}of{distributed.size()}.pt")


if __name__ == "__main__":
    with distributed.joined():
        main()
