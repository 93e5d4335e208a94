"""A method in one process and in two: the same global batch goes through the same arithmetic (gloo, on a CPU).

``python -m liftedcl.checks.several_processes`` is what each process runs.
"""

import argparse
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import torch

from liftedcl.checks.method_checks import made, noise_in
from liftedcl.engine import distributed
from liftedcl.engine.device import prepare_device
from liftedcl.engine.loop import fit
from liftedcl.identity.errors import run_cli
from liftedcl.identity.recipe import read_recipe, to_json
from liftedcl.images.shard import Shard
from liftedcl.pretrain import PretrainingTask
from liftedcl.recipes.encoder_recipe import EncoderRecipe

ROOT = Path(__file__).resolve().parents[2]


def train(recipe: EncoderRecipe, shard: Shard, folder: Path) -> dict[str, Any]:
    """The history of a training, and the state of everything at its end."""
    task = PretrainingTask(made(recipe, shard), recipe, shard, 0, torch.device("cpu"))
    run = {"folder": folder, "identity": {}, "seed": 0, "device": torch.device("cpu"), "name": "processes"}
    return {"history": fit(task, **run, observe=task.observe), "state": task.module.state_dict()}


def in_processes(count: int, words: list[str]) -> None:
    """Run Python with ``words`` in ``count`` processes. Raises `AssertionError` with what they said if that fails."""
    launcher = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={count}"] if count > 1 else []
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    command = [sys.executable, *launcher, *words]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, f"{count} processes failed: {done.stderr[-2000:]}"


def compare(one: dict[str, Any], first: dict[str, Any], second: dict[str, Any]) -> None:
    """One process's `train` and those of two have the same losses, and the two end in the same state."""
    assert first["history"] == second["history"], "the two processes have different losses"
    for here, there in zip(one["history"], first["history"], strict=True):
        for name, value in here.items():  # in four steps, a change of 1e-6 in the first weights changes these as much
            close = math.isclose(value, there[name], rel_tol=1e-2 if name.startswith("features/") else 1e-3)
            assert close, (
                f"{name} is {value:.5g} in one process and {there[name]:.5g} in two; see distributed.mine, total"
            )
    for key, value in first["state"].items():
        assert torch.equal(value, second["state"][key]), f"{key} differs between the two processes"
        if key.endswith("keys"):
            assert torch.allclose(one["state"][key], value, atol=2e-3), f"{key} differs between one process and two"


def check_processes(recipe: EncoderRecipe, folder: Path) -> None:
    """One process and two give the same loss curve, and two end in the same state."""
    noise_in(folder)
    for count in (1, 2):
        in_processes(count, ["-m", __spec__.name, "--recipe", to_json(recipe), "--out", str(folder)])
    compare(*(torch.load(folder / f"{name}.pt", weights_only=True) for name in ("0of1", "0of2", "1of2")))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m liftedcl.checks.several_processes")
    parser.add_argument("--recipe", required=True, help="of an encoder: JSON text or file")
    parser.add_argument("--out", type=Path, required=True, help="folder with the images of the checks, for the results")
    arguments = parser.parse_args()
    with distributed.joined():
        prepare_device(1)
        name = f"{distributed.rank()}of{distributed.size()}"
        found = train(read_recipe(EncoderRecipe, arguments.recipe), noise_in(arguments.out), arguments.out / name)
        torch.save(found, arguments.out / f"{name}.pt")


if __name__ == "__main__":
    run_cli(main)
