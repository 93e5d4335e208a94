"""The cost of the paper's tables: ``python -m benchmarks.gpu_hours`` prints runs and GPU hours of each table.

Every training of the profile ``paper`` is built with its own recipe and makes a step on a few generated samples. On a
CPU the operations of that step are counted, on tensors without content, and the hours are those of a GPU that does
`ASSUMED` of them a second, or half as many in 32 bits, where a fine-tuning's recipe has no other precision; on a GPU
the step is timed, at the recipe's batch size. Evaluation and the reading of data don't count.
"""

import argparse
import dataclasses
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.parts.generated import FEW, LARGE, fitting, task_of
from benchmarks.parts.step_cost import ASSUMED, StepCost, cost_of
from benchmarks.recipes import PAPER
from downstream.pw3d.data import batch_size_in, steps_in
from downstream.pw3d.recipe import PW3D
from downstream.training.frozen import freeze
from downstream.training.training_recipe import FineTuning
from liftedcl.checks.noise import write_noise
from liftedcl.engine.device import prefer_speed, prepare_device
from liftedcl.files.atomic import write_json
from liftedcl.identity.errors import InputError, run_cli
from liftedcl.identity.recipe import to_json
from liftedcl.methods import method_class
from liftedcl.networks.encoder import build_backbone
from liftedcl.pretrain import PretrainingTask
from liftedcl.prior import sample_skeletons
from liftedcl.recipes.outside_method import method_of
from workflow.benchmark_recipes import benchmark_of
from workflow.tables.shown_tables import read_tables
from workflow.tables.table_spec import Table

_TABLES = Path(__file__).resolve().parent.parent / "workflow" / "tables" / "tables.yaml"

PICTURES = {"coco": 150_000, "h36m": 156_000, "imagenet": 1_281_167, "ntu": 500_000}
"""Images in an epoch of pre-training: the paper's crops; every second Human3.6M frame; ImageNet's training split; every
eighth frame of the four million that NTU RGB+D 60 has, in round numbers."""

SAMPLES = {"coco": 149_813, "mpii": 22_246, "h36m_2d": 63_000, "h36m_3d": 312_188, "pw3d": 312_188, "lip": 30_462,
           "h36m_parsing": 62_668}  # fmt: skip
"""Samples in an epoch of fine-tuning: the official training splits; for pw3d the largest set, which is its epoch."""

_FEW = 4  # samples of a step whose operations are counted


@dataclasses.dataclass(frozen=True)
class Cost:
    """The cost of one training: the images that it sees in all, and what a step costs."""

    pictures: int
    step: StepCost

    @property
    def hours(self) -> float:
        return self.pictures * self.step.seconds / 3600


def encoder_cost(row: str, device: torch.device) -> Cost | None:
    """Cost of pre-training ``row``; None if it isn't trained."""
    recipe = PAPER.encoders[row]
    if recipe.training is None:
        return None
    batch = recipe.training.batch_size if device.type == "cuda" else 2 * _FEW
    small = dataclasses.replace(recipe, training=dataclasses.replace(recipe.training, batch_size=batch))
    crops, side = PAPER.crops, PAPER.pictures.size
    size = (side, side) if recipe.images == "imagenet" else (crops.height, crops.width)
    with tempfile.TemporaryDirectory() as folder:
        shard = write_noise(Path(folder) / "crops.npy", batch, size)
        skeletons = sample_skeletons(PAPER.skeletons.count, np.random.default_rng(0), PAPER.skeletons)
        method = method_class(method_of(recipe))(small, build_backbone(recipe.backbone), shard, skeletons)
        task = PretrainingTask(method, small, shard, 0, device)
        step = cost_of(task, batch, device, 0, whole=recipe.training.batch_size, autocast=True)
    return Cost(recipe.training.epochs * sum(PICTURES[name] for name in recipe.images.split("+")), step)


def finetuning_cost(run: str, device: torch.device, root: Path, row: str = "random") -> Cost:
    """Cost of one fine-tuning of the encoder ``row`` on ``run``, a benchmark or a variant of it.

    Data are generated in ``root``.
    """
    benchmark, recipe, large = benchmark_of(run), PAPER.benchmarks[run], device.type == "cuda"
    batch = recipe.batch_size if large else _FEW
    changes: dict[str, Any] = {"batch_size": batch}
    if isinstance(recipe, PW3D) and not large:
        changes["later_batch_sizes"] = ()
    task_recipe = fitting(run, dataclasses.replace(recipe, **changes), root)
    backbone = build_backbone(PAPER.encoders[row].backbone)
    if recipe.probe:
        freeze(backbone)
    halved = recipe.precision == "bfloat16"
    if halved:
        prefer_speed()
    task = task_of(run, dataclasses.replace(task_recipe, regions=None), root, backbone, LARGE if large else FEW)
    if not isinstance(recipe, PW3D):
        step = cost_of(task, batch, device, 0, whole=recipe.batch_size, autocast=halved)
        return Cost(recipe.epochs * epoch_of(benchmark, recipe), step)
    people, seconds, most = 0, 0.0, 0.0
    for epoch in range(recipe.epochs):  # each has its own length, batch size and number of resolutions
        whole = batch_size_in(recipe, epoch)
        step = cost_of(task, whole if large else _FEW, device, epoch, whole=whole, autocast=halved)
        seen = steps_in(recipe, epoch, SAMPLES[benchmark]) * whole
        people, seconds, most = people + seen, seconds + seen * step.seconds, max(most, step.memory)
    return Cost(people, StepCost(seconds / people, most, step.file))


def epoch_of(benchmark: str, recipe: FineTuning) -> int:
    """Samples in an epoch: in 3D, MPII's people are as many draws as Human3.6M's; in 2D, each is one more."""
    own = SAMPLES[benchmark]
    mixed = SAMPLES["mpii"] if benchmark == "h36m_2d" else own
    return own + mixed if getattr(recipe, "mpii", None) else own


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
    yield "| training | pictures | images/s | GPU hours | GPU memory, GB | file, MB |\n|---|---:|---:|---:|---:|---:|"
    for name, cost in {**encoders, **finetunings}.items():
        if cost is not None:
            yield (
                f"| {name} | {cost.pictures / 1e6:.1f} M | {1 / cost.step.seconds:,.0f} | {cost.hours:.1f} "
                f"| {cost.step.memory / 1e9:.0f} | {cost.step.file / 1e6:.0f} |"
            )
    yield "\n| target | encoders trained | fine-tunings | GPU hours | on four GPUs | GPU memory, GB | files, GB |"
    yield "|---|---:|---:|---:|---:|---:|---:|"
    papers = [table for name, table in tables.items() if name.startswith("table")]
    together = ({"`tables`": papers} if papers else {}) | {"all": list(tables.values())}
    for name, of in {**{name: [table] for name, table in tables.items()}, **together}.items():
        rows = [cost for row in _chain(of) if (cost := encoders[row]) is not None]
        runs = [finetunings[run] for run, *_ in {run for table in of for run in table.runs([0])}]
        hours, files = sum(cost.hours for cost in rows + runs), sum(cost.step.file for cost in rows + runs)
        most = max(cost.step.memory for cost in rows + runs)
        counted = f"{len(rows)} | {len(runs)} | {hours:,.0f} | {hours / 4:,.0f}"
        yield f"| {name} | {counted} | {most / 1e9:.0f} | {files / 1e9:.1f} |"


def _runs(tables: Any) -> dict[str, str]:
    """Each run and an encoder that it is of: those of one run have the same backbone."""
    return {run: row for table in tables for run, row, *_ in table.runs([0])}


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
    parser.add_argument("--tables", nargs="+", metavar="TABLE", help="of tables.yaml (default: all)")
    parser.add_argument("--threads", type=int, default=2, help="CPU threads (default: %(default)s)")
    parser.add_argument("--out", type=Path, help="JSON with the hours of each training, for workflow.status")
    arguments = parser.parse_args()
    tables = read_tables(_TABLES, PAPER)
    names = arguments.tables or list(tables)
    if unknown := [name for name in names if name not in tables]:
        raise InputError(f"--tables {unknown[0]}: there are {', '.join(tables)}")
    device, chosen = prepare_device(arguments.threads), {name: tables[name] for name in names}
    with tempfile.TemporaryDirectory() as folder:
        finetunings, known = {}, {}
        for run, row in _runs(chosen.values()).items():
            whole = to_json(dataclasses.replace(PAPER.benchmarks[run], fraction=1.0))  # a part has as many steps
            alike = benchmark_of(run), whole, PAPER.encoders[row].backbone
            known[alike] = known.get(alike) or finetuning_cost(run, device, Path(folder), row)
            finetunings[run] = known[alike]
    encoders = {row: encoder_cost(row, device) for row in _chain(chosen.values())}
    for line in report(chosen, encoders, finetunings, device):
        print(line, flush=True)
    if arguments.out:
        costs = {f"encoders/{row}": cost for row, cost in encoders.items() if cost is not None} | finetunings
        write_json(arguments.out, {name: round(cost.hours, 2) for name, cost in costs.items()})


if __name__ == "__main__":
    run_cli(main)
