"""A section of `benchmarks.gpu`: the step of the heatmap benchmarks with its data, and the same the plain way.

The plain way decodes whole pictures, crops them on the CPU and computes in float32; ours reads packed regions, crops
them on the device and computes as the profile `paper` says. The other benchmarks' steps are timed on their own data by
``python -m benchmarks.gpu_hours``.
"""

import contextlib
import dataclasses
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from benchmarks.finetune_loader import keypoint_people
from benchmarks.recipes import PAPER
from benchmarks.runner import Figure
from downstream.heatmap_pose.keypoint_task import KeypointTask
from downstream.reading.region_writer import pack
from downstream.samples.person_regions import plan_of, seen_of
from downstream.training.norm_groups import group_norms
from downstream.training.region_cut import cut_of
from liftedcl.engine.device import prefer_speed, prepare_device
from liftedcl.engine.loop import train_step
from liftedcl.networks.encoder import build_backbone

if TYPE_CHECKING:
    from benchmarks.gpu import Bench

_GOAL, _STALL = 2.0, 0.02


def finetune_steps(bench: "Bench") -> Iterator[dict[str, Any]]:
    """Images a second with all that feeds the step, the share of the time that it waits, and whether the host does."""
    for benchmark in ("coco", "mpii"):
        with tempfile.TemporaryDirectory() as folder:
            yield _compared(bench, benchmark, Path(folder))


def _compared(bench: "Bench", benchmark: str, root: Path) -> dict[str, Any]:
    recipe = dataclasses.replace(PAPER.benchmarks[benchmark], regions="jpeg", precision="bfloat16")
    if bench.smoke:
        recipe = dataclasses.replace(recipe, batch_size=2, norm_samples=None, input_width=64, input_height=64)
    batches = 2 if bench.smoke else 8
    train = keypoint_people(benchmark, root, batches * recipe.batch_size, np.random.default_rng(0))
    cut = cut_of(recipe)
    plan = plan_of([seen_of(train.people, cut.scale_limits, cut.size)], cut)
    pack(plan, root / "regions", name=benchmark, workers=None)
    plain_recipe = dataclasses.replace(recipe, regions=None, precision=None)
    plain, _, _ = _rate(bench, plain_recipe, train, None)
    prefer_speed()
    try:
        ours, waiting, peak = _rate(bench, recipe, train, root / "regions")
    finally:
        if bench.device.type == "cuda":
            torch.backends.cuda.matmul.allow_tf32 = False
            prepare_device(torch.get_num_threads())
    figures = (
        Figure("throughput", ours, "images/s"),
        Figure("throughput, the plain way", plain, "images/s"),
        Figure("ours is faster by", ours / plain, "x", at_least=_GOAL),
        Figure("time spent waiting for data", waiting, "", at_most=_STALL),
        Figure("peak memory", peak / 1e9, "GB"),
    )
    return {
        "name": f"fine-tuning: {benchmark}",
        "variants": [],
        "figures": [dataclasses.asdict(one) for one in figures],
    }


def _rate(bench: "Bench", recipe: Any, train: Any, packed: Path | None) -> tuple[float, float, int]:
    """Images a second, the share of the time spent waiting for data, and the peak of memory in bytes."""
    torch.manual_seed(0)
    backbone = build_backbone("resnet18_narrow" if bench.smoke else PAPER.encoders["random"].backbone)
    workers = 0 if bench.smoke else max(1, len(os.sched_getaffinity(0)) - 1)
    mirrored = np.arange(train.joints.shape[1])
    task = KeypointTask(recipe, backbone, train=train, mirrored=mirrored, seed=0, workers=workers, packed=packed)
    task._batches.on_device = packed is not None  # on a CPU too, so that it is exercised
    group_norms(task.module, recipe)
    task.module.to(bench.device).train()
    halved, cuda = recipe.precision == "bfloat16", bench.device.type == "cuda"
    step, waited, started = 0, 0.0, 0.0
    for epoch in range(2 if bench.smoke else 6):
        if epoch == 1:  # workers are there, and cuDNN has tried its kernels
            bench.synchronise()
            step, waited, started = 0, 0.0, time.perf_counter()
        batches = task.batches(epoch, 0)
        while True:
            begin = time.perf_counter()
            batch = next(batches, None)
            waited += time.perf_counter() - begin
            if batch is None:
                break
            strict = cuda and packed is not None and epoch > 0
            with _no_synchronisation() if strict else contextlib.nullcontext():
                train_step(task, batch, step, torch.autocast(bench.device.type, torch.bfloat16, enabled=halved))
            step += 1
    bench.synchronise()
    elapsed = time.perf_counter() - started
    return step * recipe.batch_size / elapsed, waited / elapsed, torch.cuda.max_memory_allocated() if cuda else 0


@contextlib.contextmanager
def _no_synchronisation() -> Iterator[None]:
    """Any wait of the host for the device is an error."""
    torch.cuda.set_sync_debug_mode("error")
    try:
        yield
    finally:
        torch.cuda.set_sync_debug_mode("default")
