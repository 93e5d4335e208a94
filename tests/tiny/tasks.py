"""Any benchmark's task on a narrow backbone, and what the other two commands make of its predictions."""

from pathlib import Path
from typing import Any

import numpy as np
import torch

from downstream.registry import BENCHMARKS
from downstream.training.frozen import freeze
from liftedcl.engine.loop import fit
from liftedcl.networks.encoder import build_backbone


def task_of(
    benchmark: str, recipe: Any, data: Path, *, frozen: bool = False, backbone: str = "resnet18_narrow", **more: Any
) -> Any:
    """The task that trains on ``benchmark``, its backbone and head from seed 0."""
    entry = BENCHMARKS[benchmark]
    torch.manual_seed(0)
    network = build_backbone(backbone)
    network = freeze(network) if frozen else network
    return getattr(entry.load("task"), entry.task)(recipe, network, data=data, seed=0, workers=0, **more)


def scores_of(benchmark: str, recipe: Any, data: Path, run: Path) -> dict[str, Any]:
    """What metrics.json holds of the predictions in ``run``."""
    return BENCHMARKS[benchmark].load("scores").score_run(recipe, data, run)


def examples_of(benchmark: str, recipe: Any, data: Path, run: Path) -> np.ndarray:
    """The pictures of examples.png."""
    return BENCHMARKS[benchmark].load("drawings").examples(recipe, data, run)


def augmented_of(benchmark: str, recipe: Any, data: Path, count: int) -> np.ndarray:
    """Training samples with their targets."""
    return BENCHMARKS[benchmark].load("drawings").augmented_samples(recipe, data=data, seed=0, count=count)


def train(task: Any, folder: Path) -> list[dict[str, float]]:
    """Train to the end on the CPU; the history."""
    return fit(task, folder=folder, identity={}, seed=0, device=torch.device("cpu"), name="tiny")
