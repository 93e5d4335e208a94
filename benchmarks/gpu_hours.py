"""The cost of the paper's tables: ``python -m benchmarks.gpu_hours`` prints runs and GPU hours of each table.

Every training of the profile ``paper`` is built with its own recipe and makes a step on a few samples. On a CPU the
operations of that step are counted, and the hours are those of a GPU that does `ASSUMED` of them a second, or half as
many in 32 bits, where a fine-tuning's recipe has no other precision; on a GPU the step is timed, at the recipe's batch
size. Evaluation and the reading of data don't count. Needs the demo's data (``make demo-all``), whose images replace
the real ones.
"""

import argparse
import dataclasses
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.random_data import write_shard
from benchmarks.recipes import DEMO, PAPER
from downstream.pw3d.data import batch_size_in, steps_in
from downstream.pw3d.recipe import PW3D
from downstream.registry import BENCHMARKS
from downstream.training.frozen import freeze
from downstream.training.norm_groups import group_norms
from downstream.training.training_recipe import FineTuning
from liftedcl.engine.device import prefer_speed, prepare_device
from liftedcl.engine.loop import Task, train_step
from liftedcl.files.atomic import write_json
from liftedcl.identity.errors import InputError, run_cli
from liftedcl.methods import method_class
from liftedcl.networks.encoder import build_backbone
from liftedcl.pretrain import PretrainingTask
from liftedcl.prior import sample_skeletons
from liftedcl.recipes.outside_method import method_of
from workflow.benchmark_recipes import benchmark_of
from workflow.tables.shown_tables import read_tables
from workflow.tables.table_spec import Table

_TABLES = Path(__file__).resolve().parent.parent / "workflow" / "tables" / "tables.yaml"

ASSUMED = 66e12
"""Operations a second: ResNet-50 at 24.6 GFLOP an image and the 2,700 images/s published for an H100 in 16 bits."""

PICTURES = {"coco": 150_000, "h36m": 156_000, "imagenet": 1_281_167}
"""Images in an epoch of pre-training: the paper's crops; every second Human3.6M frame; ImageNet's training split."""

SAMPLES = {"coco": 149_813, "mpii": 22_246, "h36m_2d": 63_000, "h36m_3d": 312_188, "pw3d": 312_188, "lip": 30_462}
"""Samples in an epoch of fine-tuning: the official training splits; for pw3d the largest set, which is its epoch."""

_FEW = 4  # samples of a step whose operations are counted


@dataclasses.dataclass(frozen=True)
class Cost:
    """The cost of one training: the images that it sees in all, and GPU seconds for each of them."""

    pictures: int
    seconds_each: float

    @property
    def hours(self) -> float:
        return self.pictures * self.seconds_each / 3600


def encoder_cost(row: str, device: torch.device) -> Cost | None:
    """Cost of pre-training ``row``; None if it isn't trained."""
    recipe = PAPER.encoders[row]
    if recipe.training is None:
        return None
    batch = recipe.training.batch_size if device.type == "cuda" else 2 * _FEW
    small = dataclasses.replace(recipe, training=dataclasses.replace(recipe.training, batch_size=batch))
    rng = np.random.default_rng(0)
    crops, side = PAPER.crops, PAPER.pictures.size
    height, width = (side, side) if recipe.images == "imagenet" else (crops.height, crops.width)
    pictures = rng.integers(0, 256, (batch, height, width, 3), dtype=np.uint8)
    with tempfile.TemporaryDirectory() as folder:
        shard = write_shard(Path(folder) / "crops.npy", pictures)
        skeletons = sample_skeletons(PAPER.skeletons.count, rng, PAPER.skeletons)
        method = method_class(method_of(recipe))(small, build_backbone(recipe.backbone), shard, skeletons)
        each = _seconds_each(PretrainingTask(method, small, shard, 0, device), batch, device, autocast=True)
    seen = recipe.training.epochs * sum(PICTURES[name] for name in recipe.images.split("+"))
    return Cost(seen, each)


def finetuning_cost(run: str, device: torch.device) -> Cost:
    """Cost of one fine-tuning of ``run``, a benchmark or a variant of it.

    Raises:
        InputError: the demo's data of that benchmark is not there.
    """
    benchmark, recipe = benchmark_of(run), PAPER.benchmarks[run]
    entry = BENCHMARKS[benchmark]
    data = Path(DEMO.data[entry.data.name])
    if not data.exists():
        raise InputError(f"{data}: not found; make it with: make demo-all")
    batch = recipe.batch_size if device.type == "cuda" else _FEW
    changes: dict[str, Any] = {"batch_size": batch}
    if isinstance(recipe, PW3D) and device.type != "cuda":
        changes["later_batch_sizes"] = ()
    if hasattr(recipe, "train_stride"):  # of videos, and the demo's have only a few frames
        changes |= {name: getattr(DEMO.benchmarks[run], name) for name in ("train_stride", "test_stride")}
    if getattr(recipe, "mpii", None):
        changes["mpii"] = DEMO.data["mpii"]
    task_recipe = dataclasses.replace(recipe, **changes)
    backbone = build_backbone(PAPER.encoders["random"].backbone)
    if recipe.probe:
        freeze(backbone)
    halved = recipe.precision == "bfloat16"
    if halved:
        prefer_speed()
    task = getattr(entry.load("task"), entry.task)(task_recipe, backbone, data=data, seed=0, workers=0)
    group_norms(task.module, task_recipe)
    if not isinstance(recipe, PW3D):
        return Cost(recipe.epochs * epoch_of(benchmark, recipe), _seconds_each(task, batch, device, autocast=halved))
    people, seconds = 0, 0.0
    for epoch in range(recipe.epochs):  # each has its own length, batch size and number of resolutions
        seen = steps_in(recipe, epoch, SAMPLES[benchmark]) * batch_size_in(recipe, epoch)
        batch = batch_size_in(recipe, epoch) if device.type == "cuda" else _FEW
        people, seconds = people + seen, seconds + seen * _seconds_each(task, batch, device, epoch, autocast=halved)
    return Cost(people, seconds / people)


def epoch_of(benchmark: str, recipe: FineTuning) -> int:
    """Samples in an epoch: in 3D, MPII's people are as many draws as Human3.6M's; in 2D, each is one more."""
    own = SAMPLES[benchmark]
    mixed = SAMPLES["mpii"] if benchmark == "h36m_2d" else own
    return own + mixed if getattr(recipe, "mpii", None) else own


def _seconds_each(task: Task, batch: int, device: torch.device, epoch: int = 0, *, autocast: bool) -> float:
    """GPU seconds that a step takes for a sample: timed on a GPU, else computed from the operations that it counts."""
    task.module.to(device).train()
    data = next(iter(task.batches(epoch, 0)))
    if device.type != "cuda":
        with FlopCounterMode(display=False) as counter:
            train_step(task, data, 0, nullcontext())
        return counter.get_total_flops() / batch / (ASSUMED if autocast else ASSUMED / 2)

    def step(number: int) -> float:
        torch.cuda.synchronize()
        started = time.perf_counter()
        train_step(task, data, number, torch.autocast("cuda", torch.bfloat16) if autocast else nullcontext())
        torch.cuda.synchronize()
        return time.perf_counter() - started

    return statistics.median([step(number) for number in range(25)][5:]) / batch


def report(
    tables: dict[str, Table],
    encoders: dict[str, Cost | None],
    finetunings: dict[str, Cost],
    device: torch.device,
) -> Iterator[str]:
    """The costs as Markdown: each kind of training, each table alone, and all tables, which share runs."""
    assumed = f"counted operations at {ASSUMED / 1e12:.0f} TFLOP/s in 16 bits and half of that in 32"
    how = "timed steps" if device.type == "cuda" else assumed
    yield f"From {how}, seed by seed; {_name(device)}.\n"
    yield "| training | pictures | images/s | GPU hours |\n|---|---:|---:|---:|"
    for name, cost in {**encoders, **finetunings}.items():
        if cost is not None:
            yield f"| {name} | {cost.pictures / 1e6:.1f} M | {1 / cost.seconds_each:,.0f} | {cost.hours:.1f} |"
    yield "\n| target | encoders trained | fine-tunings | GPU hours |\n|---|---:|---:|---:|"
    for name, of in {**{name: [table] for name, table in tables.items()}, "all": list(tables.values())}.items():
        rows = [cost for row in _chain(of) if (cost := encoders[row]) is not None]
        runs = {run for table in of for run in table.runs([0])}
        hours = sum(cost.hours for cost in rows) + sum(finetunings[run].hours for run, *_ in runs)
        yield f"| {name} | {len(rows)} | {len(runs)} | {hours:,.0f} |"


def _runs(tables: Any) -> list[str]:
    return list(dict.fromkeys(run for table in tables for run, *_ in table.runs([0])))


def _chain(tables: Any) -> list[str]:
    """The tables' encoders and the encoders that they start from, each once."""
    rows: dict[str, None] = {}
    for row in dict.fromkeys(row for table in tables for _, row, _ in table.runs([0])):
        name: str | None = row
        while name is not None:
            rows[name] = None
            name = PAPER.encoders[name].start
    return list(rows)


def _name(device: torch.device) -> str:
    return torch.cuda.get_device_name() if device.type == "cuda" else "no GPU was used"


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.gpu_hours", description="Print runs and GPU hours of the paper's tables."
    )
    parser.add_argument("--tables", nargs="+", metavar="TABLE", help="of tables.yaml (default: table1 to table9)")
    parser.add_argument("--threads", type=int, default=2, help="CPU threads (default: %(default)s)")
    parser.add_argument("--out", type=Path, help="JSON with the hours of each training, for workflow.status")
    arguments = parser.parse_args()
    tables = read_tables(_TABLES, PAPER)
    names = arguments.tables or [name for name in tables if name.startswith("table")]
    if unknown := [name for name in names if name not in tables]:
        raise InputError(f"--tables {unknown[0]}: there are {', '.join(tables)}")
    device, chosen = prepare_device(arguments.threads), {name: tables[name] for name in names}
    finetunings = {run: finetuning_cost(run, device) for run in _runs(chosen.values())}
    encoders = {row: encoder_cost(row, device) for row in _chain(chosen.values())}
    for line in report(chosen, encoders, finetunings, device):
        print(line, flush=True)
    if arguments.out:
        costs = {f"encoders/{row}": cost for row, cost in encoders.items() if cost is not None} | finetunings
        write_json(arguments.out, {name: round(cost.hours, 2) for name, cost in costs.items()})


if __name__ == "__main__":
    run_cli(main)
