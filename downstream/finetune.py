"""Fine-tune an encoder on one benchmark and evaluate it: encoder.pt -> metrics.json, predictions and examples.png."""

import argparse
import dataclasses
import importlib
import time
from pathlib import Path
from typing import Any

import torch

from downstream import BENCHMARKS, finetune_code
from downstream.recipes import RECIPES
from downstream.training.frozen import freeze
from liftedcl.engine import checkpoint
from liftedcl.engine.device import prepare_device
from liftedcl.engine.loop import fit, step_seed
from liftedcl.files.atomic import exclusive, sha256_of_file, write_json
from liftedcl.files.contact_sheet import write_contact_sheet
from liftedcl.identity.errors import run_cli
from liftedcl.identity.provenance import describe
from liftedcl.identity.recipe import read_recipe
from liftedcl.networks.encoder import load_encoder


def finetune(
    benchmark: str,
    recipe: Any,
    *,
    encoder: Path,
    backbone: str,
    data: Path,
    seed: int,
    threads: int,
    workers: int,
    out: Path,
) -> dict[str, Any]:
    """Train, evaluate and write predictions, examples, ``provenance.json`` and, last, ``metrics.json`` into ``out``.

    Goes on from ``out/last.pt`` after a kill, with the bits of an uninterrupted run; that file is removed on success.

    Args:
        benchmark: a key of `BENCHMARKS`.
        recipe: that benchmark's, of downstream/recipes.py.
        encoder: plain state dict to start from.
        backbone: its architecture, a name of liftedcl/networks/encoder.py.
        data: folder of the benchmark's data.
        seed: decides the head's weights, the order of the samples and their augmentation.
        threads: CPU threads; CPU results depend on them.
        workers: processes that load data; results don't depend on them.
        out: folder of this run.

    Returns:
        What metrics.json holds.

    Raises:
        InputError: an encoder or data that is missing, damaged or doesn't fit; a loss that is not finite.
    """
    started, head_seed, device = time.time(), step_seed(seed, -1), prepare_device(threads)
    module = importlib.import_module(BENCHMARKS[benchmark].task)
    weights = load_encoder(encoder, backbone)
    if recipe.probe:
        freeze(weights)
    inputs = {"encoder": sha256_of_file(encoder), **module.fingerprints(recipe, data)}
    torch.manual_seed(head_seed)
    task = module.Benchmark(recipe, weights, data=data, seed=seed, workers=workers)
    identity = {
        "benchmark": benchmark,
        "recipe": dataclasses.asdict(recipe),
        "backbone": backbone,
        "seed": seed,
        "threads": threads,
        "inputs": inputs,
        "code": finetune_code(benchmark),
        "torch": str(torch.__version__),
        "device": device.type,
    }
    fit(task, folder=out, identity=identity, seed=seed, device=device, name=f"{benchmark} {out.parent.name}")
    metrics = task.evaluate(out)
    write_contact_sheet(task.examples(), out / "examples.png", columns=4, rows=3)
    name = torch.cuda.get_device_name() if device.type == "cuda" else "cpu"
    about = {"recipe": identity["recipe"], "seed": seed, "inputs": inputs, "code": identity["code"]}
    write_json(out / "provenance.json", describe(**about, started=started, device=name))
    write_json(out / "metrics.json", metrics)
    checkpoint.discard(out)
    return metrics


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m downstream.finetune",
        description="Fine-tune an encoder on one benchmark and evaluate it. Run the same command again after a kill: "
        "it goes on where it was. Writes metrics.json, the predictions, examples.png, history.csv and provenance.json.",
        epilog='example: python -m downstream.finetune --benchmark h36m_3d --recipe "$(python -m workflow.params '
        'benchmarks.h36m_3d)" --encoder runs/demo/random/seed0/encoder.pt --backbone resnet18_narrow '
        "--data data/demo/h36m --out runs/by_hand/h36m_3d",
    )
    add = parser.add_argument
    add("--benchmark", required=True, choices=BENCHMARKS, help="which benchmark")
    add("--recipe", required=True, help="its recipe: JSON text or file; see python -m workflow.params")
    add("--encoder", type=Path, required=True, help="encoder.pt: a plain state dict with torchvision's names")
    add("--backbone", required=True, help="architecture of the encoder, such as resnet50")
    add("--data", type=Path, required=True, help="folder of the benchmark's data set (docs/data.md)")
    add("--seed", type=int, default=0, help="decides head, order and augmentation (default: %(default)s)")
    add("--threads", type=int, default=1, help="CPU threads; part of the run's identity (default: %(default)s)")
    add("--workers", type=int, default=0, help="processes that load data; no result depends on them (default: 0)")
    add("--out", type=Path, required=True, help="folder of this run")
    arguments = vars(parser.parse_args())
    benchmark = arguments.pop("benchmark")
    recipe = read_recipe(RECIPES[benchmark], arguments.pop("recipe"))
    with exclusive(arguments["out"]):
        metrics = finetune(benchmark, recipe, **arguments)
    print("  ".join(f"{key} {value:.2f}" for key, value in metrics.items() if isinstance(value, float)), flush=True)


if __name__ == "__main__":
    run_cli(main)
