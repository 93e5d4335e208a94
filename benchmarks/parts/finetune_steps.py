"""A section of `benchmarks.gpu`: the training step of each benchmark with all that feeds it, and the plain way of it.

The plain way is that of published_finetuning.py, with the settings that published codes have: cuDNN tries its kernels,
and none has to be deterministic. Ours computes in bfloat16, reads packed regions and crops them on the device, but
decodes frames for Human3.6M parsing, as the profile `paper` says; its kernels are deterministic where there are such.
"""

import contextlib
import dataclasses
import gc
import os
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from benchmarks.parts.generated import FEW, LARGE, feed, fitting, smallest, task_of, write_data
from benchmarks.parts.published_finetuning import PublishedBatches, make_plain, plain_step
from benchmarks.recipes import DEMO, PAPER
from benchmarks.runner import Figure
from downstream.reading.region_writer import pack
from downstream.registry import BENCHMARKS
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
    people = FEW if bench.smoke else LARGE
    if bench.smoke:
        small = {"regions": recipe.regions, "transformer": recipe.transformer}
        recipe = dataclasses.replace(smallest(DEMO.benchmarks[benchmark]), **small)
    recipe = fitting(benchmark, dataclasses.replace(recipe, precision="bfloat16"), root)
    if (cut := cut_of(recipe)) is not None:
        packed = root / "regions" / benchmark
        for data in (entry.data.name, *(["mpii"] if cut.mpii else [])):
            write_data(data, root, people)
        pack(entry.load("regions").training_plan(cut, root / entry.data.name), packed, name=benchmark, workers=None)
    as_published = dataclasses.replace(recipe, regions=None, precision=None)
    with _set_to(bench, _take_the_fastest):
        plain = _measured(bench, benchmark, as_published, root, None, published=True)
    with _set_to(bench, prefer_speed):
        ours = _measured(bench, benchmark, recipe, root, packed, published=False)
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


@contextlib.contextmanager
def _set_to(bench: "Bench", setting: Callable[[], None]) -> Iterator[None]:
    """In here a GPU has the ``setting``; in the end, that of every training."""
    if bench.device.type != "cuda":
        yield
        return
    setting()
    try:
        yield
    finally:
        torch.backends.cuda.matmul.allow_tf32 = False
        prepare_device(torch.get_num_threads())


def _take_the_fastest() -> None:
    torch.use_deterministic_algorithms(False)
    torch.backends.cudnn.benchmark = True


def _measured(
    bench: "Bench", benchmark: str, recipe: Any, root: Path, packed: Path | None, *, published: bool
) -> dict[str, float]:
    """Images a second, the share of the time spent waiting for data, waits of the host in a step, and peak bytes."""
    gc.collect()  # what was measured before has neither memory of the GPU nor processes any more
    torch.manual_seed(0)
    backbone = build_backbone("resnet18_narrow" if bench.smoke else PAPER.encoders["random"].backbone)
    workers = 0 if bench.smoke else max(1, len(os.sched_getaffinity(0)) - 1)
    # Told of workers, a task keeps no decoded image: the real sets don't fit into memory.
    options = {"workers": max(1, workers), "packed": packed}
    task = task_of(benchmark, recipe, root, backbone, FEW if bench.smoke else LARGE, **options)
    task._batches.on_device = packed is not None  # on a CPU too, so that it is exercised
    warm_up, timed_steps = (1, 1) if bench.smoke else (6, 30)
    batches = PublishedBatches(task._batches) if published else task._batches
    feed(task, batches, epochs=1, steps=warm_up + timed_steps + 1, workers=workers)
    if published:
        make_plain(task)
    task.module.to(bench.device).train()
    halved, cuda = recipe.precision == "bfloat16", bench.device.type == "cuda"
    if cuda:
        torch.cuda.reset_peak_memory_stats()

    def step() -> None:
        if published:
            plain_step(task, next(batches), 0)
        else:
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
