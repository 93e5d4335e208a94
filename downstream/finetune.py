"""Fine-tune an encoder on one benchmark and predict its test set: encoder.pt -> trained.pt and predictions."""

import argparse
import dataclasses
import shlex
import time
from pathlib import Path
from typing import Any

import torch

from downstream.command_line import add_benchmark_arguments
from downstream.reading.region_shard import checksum_of
from downstream.registry import BENCHMARKS, finetune_modules
from downstream.training.epoch_batches import workers_named
from downstream.training.frozen import freeze
from downstream.training.norm_groups import group_norms
from downstream.training.region_cut import cut_of
from downstream.training.transformer_training import train_as_transformer
from liftedcl.engine import checkpoint, distributed
from liftedcl.engine.device import prefer_speed, prepare_device
from liftedcl.engine.loop import fit, step_seed
from liftedcl.files.atomic import exclusive, sha256_of_file, write_json
from liftedcl.identity.code_digest import code_digest
from liftedcl.identity.errors import InputError, run_cli
from liftedcl.identity.provenance import describe
from liftedcl.identity.recipe import read_recipe, to_json
from liftedcl.networks.encoder import load_encoder, save_state


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
    packed: Path | None = None,
) -> None:
    """Train, and write ``trained.pt``, the predictions, ``history.csv`` and, last, ``provenance.json`` into ``out``.

    After a kill it continues from ``out/last.pt`` and ends with the bits of an uninterrupted run; checkpoints are
    removed on success. The arguments are the options of the command; ``benchmark`` is a key of `BENCHMARKS`.

    Raises:
        InputError: an encoder or data that is missing, damaged or doesn't fit; a loss that is not finite.
    """
    started, head_seed, device = time.time(), step_seed(seed, -1), prepare_device(threads)
    entry = BENCHMARKS[benchmark]
    drop_path = recipe.transformer.drop_path if recipe.transformer and not recipe.probe else 0.0
    weights = load_encoder(encoder, backbone, drop_path=drop_path)
    if recipe.probe:
        freeze(weights)
    inputs = {"encoder": sha256_of_file(encoder), **entry.fingerprints(recipe, data)}
    more = {}
    if recipe.regions is not None:
        if packed is None:
            raise InputError(
                f"--regions: missing, and the recipe has regions: {recipe.regions}; pack them with python -m "
                f"downstream.cut_regions --benchmark {benchmark} --recipe {shlex.quote(to_json(cut_of(recipe)))} "
                f"--data {data} --out FOLDER"
            )
        more = {"packed": packed}
        inputs["regions"] = checksum_of(packed)
    torch.manual_seed(head_seed)
    task = getattr(entry.load("task"), entry.task)(recipe, weights, data=data, seed=seed, workers=workers, **more)
    group_norms(task.module, recipe)
    train_as_transformer(task, weights, recipe)
    identity = {
        "benchmark": benchmark,
        "task": entry.task,
        "recipe": dataclasses.asdict(recipe),
        "backbone": backbone,
        "seed": seed,
        "threads": threads,
        "inputs": inputs,
        "code": code_digest(*finetune_modules(benchmark)),
        "torch": str(torch.__version__),
        "device": device.type,
    }
    halved = recipe.precision == "bfloat16"
    if halved:
        prefer_speed()
    run = {"folder": out, "identity": identity, "seed": seed, "device": device}
    fit(task, **run, name=f"{benchmark} {out.parent.name}", autocast=halved)
    task.write_predictions(out)
    save_state(task.module.state_dict(), out / "trained.pt")
    about = {"recipe": identity["recipe"], "seed": seed, "inputs": inputs, "code": identity["code"]}
    write_json(out / "provenance.json", describe(**about, started=started, device=distributed.device_name(device)))
    checkpoint.discard(out)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m downstream.finetune",
        description="Fine-tune an encoder on one benchmark and predict its test set. Run the same command again after "
        "a kill: it continues where it stopped. Writes trained.pt (the tensors of head and encoder), the predictions, "
        "history.csv and provenance.json; python -m downstream.score and downstream.draw take it from there.",
        epilog='example: python -m downstream.finetune --benchmark h36m_3d --recipe "$(python -m workflow.params '
        'benchmarks.h36m_3d)" --encoder runs/demo/encoders/random/seed0/encoder.pt --backbone resnet18_narrow '
        "--data data/demo/h36m --out runs/by_hand/h36m_3d",
    )
    add_benchmark_arguments(parser, "folder of this run")
    add = parser.add_argument
    add("--encoder", type=Path, required=True, help="encoder.pt: a plain state dict with torchvision's names")
    add("--backbone", required=True, help="architecture of the encoder, such as resnet50")
    add("--seed", type=int, default=0, help="decides head, order and augmentation (default: %(default)s)")
    add(
        "--regions",
        type=Path,
        dest="packed",
        metavar="FOLDER",
        help="of python -m downstream.cut_regions; needed where the recipe has regions",
    )
    add("--threads", type=int, default=1, help="CPU threads; part of the run's identity (default: %(default)s)")
    add("--workers", type=int, default=0, help="processes that load data; no result depends on them (default: 0)")
    arguments = vars(parser.parse_args())
    benchmark = arguments.pop("benchmark")
    recipe = read_recipe(BENCHMARKS[benchmark].recipe, arguments.pop("recipe"))
    if arguments["workers"] < 0:
        raise InputError(f"--workers {arguments['workers']}: needs at least 0, which loads data in the same process")
    with exclusive(arguments["out"]), workers_named(arguments["workers"]):
        finetune(benchmark, recipe, **arguments)


if __name__ == "__main__":
    run_cli(main)
