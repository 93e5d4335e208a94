"""Generated people, which the fine-tunings' own readers read: few and small, or in pictures as the demo's or the real.

What a step costs depends on its recipe and on the sizes of pictures, not on what they show.
"""

import dataclasses
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.recipes import DEMO
from downstream.pw3d.recipe import PW3D
from downstream.registry import BENCHMARKS
from downstream.training.epoch_batches import Epochs
from downstream.training.norm_groups import group_norms
from downstream.training.transformer_training import train_as_transformer
from liftedcl.engine.loop import Task
from liftedcl.networks.encoder import Backbone
from synthetic import coco, h36m, lip, mpii, pw3d
from synthetic.generation import generate
from synthetic.recipes import GeneratedCoco, GeneratedH36M, GeneratedLip, GeneratedMpii, GeneratedPw3d
from workflow.benchmark_recipes import benchmark_of

_PLANS = {"coco": coco.plan, "h36m": h36m.plan, "lip": lip.plan, "mpii": mpii.plan, "pw3d": pw3d.plan}
_ANY_WAY = {"seed": 0, "facing": 180}
_SHAPES = {"train_identities": 3, "test_identities": 2, "one_hall": True}
_DEMO = DEMO.generated

FEW = {
    "coco": GeneratedCoco(**_ANY_WAY, train_scenes=8, val_scenes=2, width=160, height=120),
    "h36m": GeneratedH36M(seed=0, frames_per_take=1, image_size=64),
    "lip": GeneratedLip(**_ANY_WAY, train_scenes=20, val_scenes=20, width=120, height=90, most_people=1),
    "mpii": GeneratedMpii(**_ANY_WAY, train_scenes=8, valid_scenes=2, width=160, height=120),
    "pw3d": GeneratedPw3d(**_ANY_WAY, **_SHAPES, train_people=60, test_people=4, width=96, height=96),
}
AS_DEMO = {  # a batch of the demo's recipe, or some, in pictures of its sizes
    "coco": dataclasses.replace(_DEMO.coco, train_scenes=24, val_scenes=2),
    "h36m": dataclasses.replace(_DEMO.h36m, frames_per_take=4),
    "lip": dataclasses.replace(_DEMO.lip, train_scenes=24, val_scenes=20),
    "mpii": dataclasses.replace(_DEMO.mpii, train_scenes=24, valid_scenes=2),
    "pw3d": dataclasses.replace(_DEMO.pw3d, train_people=96, test_people=4, train_identities=3, test_identities=2),
}
LARGE = {  # as many people as the largest batches, in pictures as large as the real ones
    "coco": GeneratedCoco(**_ANY_WAY, train_scenes=120, val_scenes=2, width=640, height=480),
    "h36m": GeneratedH36M(seed=0, frames_per_take=4, image_size=1000),
    "lip": GeneratedLip(**_ANY_WAY, train_scenes=60, val_scenes=20, width=640, height=480, most_people=1),
    "mpii": GeneratedMpii(**_ANY_WAY, train_scenes=120, valid_scenes=2, width=1280, height=720),
    "pw3d": GeneratedPw3d(**_ANY_WAY, **_SHAPES, train_people=160, test_people=4, width=640, height=480),
}


def write_data(data: str, root: Path, people: Mapping[str, Any]) -> Path:
    """The data set ``data`` in ``root``, unless it is there; ``people`` are `FEW`, `AS_DEMO` or `LARGE`."""
    plan = _PLANS[data](people[data])
    if data == "h36m":  # one subject in some actions, and one in one action to test on
        kept = [(1, action) for action in range(2, 6 if people is LARGE else 3)]
        plan = dataclasses.replace(plan, chunks=[*kept, (9, 2)])
    generate(plan, root / data, workers=len(os.sched_getaffinity(0)))
    return root / data


def task_of(
    run: str,
    recipe: Any,
    root: Path,
    backbone: Backbone,
    people: Mapping[str, Any],
    *,
    workers: int = 0,
    packed: Path | None = None,
) -> Task:
    """The fine-tuning ``run``, a benchmark or a variant, by the `fitting` ``recipe`` on ``people`` in ``root``."""
    entry = BENCHMARKS[benchmark_of(run)]
    data, more = write_data(entry.data.name, root, people), {} if packed is None else {"packed": packed}
    if getattr(recipe, "mpii", None):
        write_data("mpii", root, people)
    task = getattr(entry.load("task"), entry.task)(recipe, backbone, data=data, seed=0, workers=workers, **more)
    group_norms(task.module, recipe)
    train_as_transformer(task, backbone, recipe)
    return task


def feed(task: Task, batches: Any, *, epochs: int, steps: int, workers: int) -> None:
    """Train ``task`` on ``epochs`` epochs of ``steps`` steps each, which repeat ``batches`` where they are fewer."""
    task._epochs = Epochs(_LongEpoch(batches, steps), workers)
    task.epochs, task.steps_per_epoch = epochs, steps


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


def smallest(recipe: Any) -> Any:
    """``recipe`` with batches of two people."""
    more = {"later_batch_sizes": ()} if isinstance(recipe, PW3D) else {}
    return dataclasses.replace(recipe, batch_size=2, norm_samples=None, **more)


def fitting(run: str, recipe: Any, root: Path) -> Any:
    """``recipe`` for such data, which hold few frames of a video and no epoch that could be halved."""
    changes: dict[str, Any] = {}
    if hasattr(recipe, "train_stride"):
        changes |= {name: getattr(DEMO.benchmarks[run], name) for name in ("train_stride", "test_stride")}
    if getattr(recipe, "mpii", None):
        changes["mpii"] = str(root / "mpii")
    if isinstance(recipe, PW3D):
        changes["half_epochs"] = 0
    return dataclasses.replace(recipe, **changes)
