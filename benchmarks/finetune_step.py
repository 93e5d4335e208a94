"""Whole fine-tunings by the demo's recipes on one core, of a few people in pictures of the demo's sizes.

All epochs are trained as `downstream.finetune` does it, by `fit`, with all that feeds the steps. In the first one
pictures are decoded; afterwards they are in memory, as the demo's are. The published way, that of
parts/published_finetuning.py, decodes them in each epoch. Since that alone could make it slower, it is measured with
pictures in memory as well.
"""

import contextlib
import functools
import io
import math
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from benchmarks.parts.generated import AS_DEMO, FEW, feed, fitting, smallest, task_of
from benchmarks.parts.published_finetuning import PublishedBatches, make_plain, plain_step
from benchmarks.recipes import DEMO
from benchmarks.runner import FLOOR, OURS, PEER, PUBLISHED, Case, Figure, Variant, timed
from downstream.registry import BENCHMARKS
from liftedcl.engine.loop import Task, fit, train_step
from liftedcl.networks.encoder import build_backbone

CORES = 1

_OURS, _PUBLISHED, _IN_MEMORY = "downstream.finetune", "each picture decoded in each epoch", "pictures in memory"


def cases(smoke: bool) -> Iterator[Case]:
    with tempfile.TemporaryDirectory() as folder:
        for benchmark in BENCHMARKS:
            yield _case(benchmark, Path(folder), smoke)


def _case(benchmark: str, root: Path, smoke: bool) -> Case:
    recipe = DEMO.benchmarks[benchmark]
    recipe = fitting(benchmark, smallest(recipe) if smoke else recipe, root)
    task = functools.partial(_task, benchmark, recipe, root, smoke)
    ready = task()
    batch, steps = next(iter(ready.batches(0, 0))), ready.epochs * ready.steps_per_epoch

    def alone() -> None:
        for _ in range(steps):
            for _, terms in ready.losses(batch):
                sum(terms.values()).backward()

    return Case(
        name=f"{benchmark}, {ready.epochs} epochs",
        variants=[
            Variant(OURS, _OURS, lambda: _trained(task())),
            Variant(PUBLISHED, _PUBLISHED, lambda: _trained_plainly(task(published=True, cached=False))),
            Variant(PEER, _IN_MEMORY, lambda: _trained_plainly(task(published=True))),
            Variant(FLOOR, "networks and losses alone, forward and backward", timed(alone)),
        ],
        items=steps * recipe.batch_size,
        unit="images",
        check=functools.partial(_check, task),
        goal=1.0,
        figures=lambda medians: [
            Figure(
                "faster than the published way with pictures in memory by",
                medians[_IN_MEMORY] / medians[_OURS],
                "x",
                at_least=1.0,
            )
        ],
        note=f"batches of {recipe.batch_size}",
    )


def _task(
    benchmark: str, recipe: Any, root: Path, smoke: bool, *, published: bool = False, cached: bool = True
) -> Task:
    """A fine-tuning that hasn't begun, always from the same weights."""
    torch.manual_seed(0)
    backbone, people = build_backbone(DEMO.encoders["random"].backbone), FEW if smoke else AS_DEMO
    # Told of workers, a task keeps no decoded picture; there are none.
    task = task_of(benchmark, recipe, root, backbone, people, workers=0 if cached else 1)
    batches = PublishedBatches(task._batches) if published else task._batches
    epochs, steps = (1, 2) if smoke else (recipe.epochs, len(task._batches))
    feed(task, batches, epochs=epochs, steps=steps, workers=0)
    if published:
        make_plain(task)
    return task


def _trained(task: Task) -> float:
    """Seconds of a training by `fit`, without what it prints."""
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        begin = time.perf_counter()
        fit(task, folder=Path(folder), identity={}, seed=0, device=torch.device("cpu"), name="finetune_step")
        return time.perf_counter() - begin


def _trained_plainly(task: Task) -> float:
    """Seconds of the same training in the published way."""
    begin, step = time.perf_counter(), 0
    task.module.train()
    for epoch in range(task.epochs):
        for batch in task.batches(epoch, 0):
            plain_step(task, batch, step)
            step += 1
    return time.perf_counter() - begin


def _check(task: functools.partial) -> None:
    """The same samples, the same loss but for rounding in the first step, and parameters that it moves."""
    ours, theirs = task(), task(published=True, cached=False)
    mine, other = (next(iter(one.batches(0, 0))) for one in (ours, theirs))
    apart = (mine.images.float() - other.images.float()).abs().max()
    assert apart <= 1, f"crops are up to {apart:.0f} grey levels apart"  # gains round halves in another way
    found = []
    for one, batch in ((ours, mine), (theirs, other)):
        before = [parameter.detach().clone() for player in one.players.values() for parameter in player.parameters]
        one.module.train()
        torch.manual_seed(0)
        if one is ours:
            loss = float(sum(train_step(one, batch, 0, contextlib.nullcontext()).values()))
        else:
            loss = plain_step(one, batch, 0)
        after = [parameter for player in one.players.values() for parameter in player.parameters]
        moved = sum(not torch.equal(*pair) for pair in zip(before, after, strict=True)) / len(after)
        assert moved > 0.8, f"only {moved:.0%} of the parameters have moved"
        found.append(loss)
    assert all(math.isfinite(loss) for loss in found), found
    assert abs(found[0] - found[1]) < 1e-3 * abs(found[1]) + 1e-3, f"losses {found}"
