"""A section of `benchmarks.gpu`: the training step of each benchmark with all that feeds it, and the plain way of it.

The plain way decodes whole pictures, crops them on the CPU and computes in float32. Ours computes in bfloat16, reads
packed regions and crops them on the device, but decodes frames for Human3.6M parsing, as the profile `paper` says.
"""

import contextlib
import dataclasses
import os
import tempfile
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from benchmarks.parts.generated import fitting, task_of, write_data
from benchmarks.recipes import DEMO, PAPER
from benchmarks.runner import Figure
from downstream.reading.region_writer import pack
from downstream.registry import BENCHMARKS
from downstream.training.epoch_batches import Epochs
from downstream.training.region_cut import cut_of
from liftedcl.engine.device import prefer_speed, prepare_device
from liftedcl.engine.loop import train_step
from liftedcl.networks.encoder import build_backbone

if TYPE_CHECKING:
    from benchmarks.gpu import Bench

_GOAL, _STALL = 2.0, 0.02


def finetune_steps(bench: "Bench") -> Iterator[dict[str, Any]]:
    """Images a second with all that feeds the step, the share of the time that it waits, and the host's waits."""
    with tempfile.TemporaryDirectory() as folder:
        for benchmark in BENCHMARKS:
            yield _compared(bench, benchmark, Path(folder))


def _compared(bench: "Bench", benchmark: str, root: Path) -> dict[str, Any]:
    entry, recipe, packed = BENCHMARKS[benchmark], PAPER.benchmarks[benchmark], None
    if bench.smoke:
        small = {"batch_size": 2, "norm_samples": None, "regions": recipe.regions, "transformer": recipe.transformer}
        small |= {"later_batch_sizes": ()} if hasattr(recipe, "later_batch_sizes") else {}
        recipe = dataclasses.replace(DEMO.benchmarks[benchmark], **small)
    recipe = fitting(benchmark, dataclasses.replace(recipe, precision="bfloat16"), root)
    if (cut := cut_of(recipe)) is not None:
        packed = root / "regions" / benchmark
        for data in (entry.data.name, *(["mpii"] if cut.mpii else [])):
            write_data(data, root, large=not bench.smoke)
        pack(entry.load("regions").training_plan(cut, root / entry.data.name), packed, name=benchmark, workers=None)
    plain = _measured(bench, benchmark, dataclasses.replace(recipe, regions=None, precision=None), root, None)
    prefer_speed()
    try:
        ours = _measured(bench, benchmark, recipe, root, packed)
    finally:
        if bench.device.type == "cuda":
            torch.backends.cuda.matmul.allow_tf32 = False
            prepare_device(torch.get_num_threads())
    figures = (
        Figure("throughput", ours["rate"], "images/s"),
        Figure("throughput, the plain way", plain["rate"], "images/s"),
        Figure("ours is faster by", ours["rate"] / plain["rate"], "x", at_least=_GOAL),
        Figure("time spent waiting for data", ours["waiting"], "", at_most=_STALL),
        Figure("time spent waiting for data, the plain way", plain["waiting"], ""),
        Figure("synchronisations in a step", ours["synchronisations"], "", at_most=0.0),
        Figure("peak memory", ours["peak"] / 1e9, "GB"),
    )
    return {
        "name": f"fine-tuning: {benchmark}",
        "variants": [],
        "figures": [dataclasses.asdict(one) for one in figures],
    }


def _measured(bench: "Bench", benchmark: str, recipe: Any, root: Path, packed: Path | None) -> dict[str, float]:
    """Images a second, the share of the time spent waiting for data, waits of the host in a step, and peak bytes."""
    torch.manual_seed(0)
    backbone = build_backbone("resnet18_narrow" if bench.smoke else PAPER.encoders["random"].backbone)
    workers = 0 if bench.smoke else max(1, len(os.sched_getaffinity(0)) - 1)
    task = task_of(benchmark, recipe, root, backbone, large=not bench.smoke, workers=workers, packed=packed)
    task._batches.on_device = packed is not None  # on a CPU too, so that it is exercised
    warm_up, timed_steps = (1, 1) if bench.smoke else (6, 30)
    task._epochs = Epochs(_LongEpoch(task._batches, warm_up + timed_steps + 1), workers)
    task.module.to(bench.device).train()
    halved, cuda = recipe.precision == "bfloat16", bench.device.type == "cuda"
    if cuda:
        torch.cuda.reset_peak_memory_stats()

    def step() -> None:
        train_step(task, next(batches), 0, torch.autocast(bench.device.type, torch.bfloat16, enabled=halved))

    batches = _Timed(task.batches(0, 0))
    for _ in range(warm_up):  # workers are there, and cuDNN has tried its kernels
        step()
    bench.synchronise()
    batches.waited, started = 0.0, time.perf_counter()
    for _ in range(timed_steps):
        step()
    bench.synchronise()
    elapsed = time.perf_counter() - started
    waited, images = batches.waited, timed_steps * recipe.batch_size
    with synchronisations(cuda) as found:
        step()
    peak = torch.cuda.max_memory_allocated() if cuda else 0
    return {
        "rate": images / elapsed,
        "waiting": waited / elapsed,
        "synchronisations": len(found),
        "peak": peak,
    }


class _LongEpoch:
    """Batches again and again: a real epoch is long, and its beginning, where workers have nothing ready, is rare."""

    def __init__(self, batches: Any, steps: int) -> None:
        self._batches, self._steps = batches, steps

    def start(self, epoch: int) -> None:
        self._batches.start(epoch)

    def __len__(self) -> int:
        return self._steps

    def __getitem__(self, step: int) -> Any:
        return self._batches[step % len(self._batches)]


class _Timed:
    """An iterator that adds up the seconds for which it is waited."""

    def __init__(self, batches: Iterator[Any]) -> None:
        self._batches, self.waited = batches, 0.0

    def __next__(self) -> Any:
        begin = time.perf_counter()
        batch = next(self._batches)
        self.waited += time.perf_counter() - begin
        return batch


@contextlib.contextmanager
def synchronisations(cuda: bool) -> Iterator[list[str]]:
    """Gets an entry whenever the host waits for a GPU in here; on a CPU, whenever it would for a value it reads."""
    found: list[str] = []
    if not cuda:
        with _Reads(found):
            yield found
        return
    torch.cuda.set_sync_debug_mode("warn")
    try:
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            yield found
            found += [str(one.message) for one in told if "synchronizing" in str(one.message)]
    finally:
        torch.cuda.set_sync_debug_mode("default")


class _Reads(TorchDispatchMode):
    """Notes the operations whose value, or the shape of whose result, the host has to know."""

    def __init__(self, found: list[str]) -> None:
        super().__init__()
        self._found = found

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.overloadpacket.__name__
        masks = [x for x in args[1] if isinstance(x, Tensor) and x.dtype == torch.bool] if name == "index" else []
        if masks or name in ("_local_scalar_dense", "nonzero", "masked_select"):
            self._found.append(name)
        return func(*args, **(kwargs or {}))
