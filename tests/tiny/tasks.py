"""Any benchmark's task on a narrow backbone, and what the other two commands make of its predictions."""

import importlib
from pathlib import Path
from typing import Any

import numpy as np
import torch

from downstream.registry import BENCHMARKS
from downstream.training.frozen import freeze
from liftedcl.engine.loop import fit
from liftedcl.networks.encoder import build_backbone


def task_of(benchmark: str, recipe: Any, data: Path, *, frozen: bool = False) -> Any:
    """The task that trains on ``benchmark``, its backbone and head from seed 0."""
    module, name = BENCHMARKS[benchmark].task.split(":")
    torch.manual_seed(0)
    backbone = build_backbone("resnet18_narrow")
    backbone = freeze(backbone) if frozen else backbone
    return getattr(importlib.import_module(module), name)(recipe, backbone, data=data, seed=0, workers=0)


def scores_of(benchmark: str, recipe: Any, data: Path, run: Path) -> dict[str, Any]:
    """What metrics.json holds of the predictions in ``run``."""
    return importlib.import_module(BENCHMARKS[benchmark].scores).score_run(recipe, data, run)


def examples_of(benchmark: str, recipe: Any, data: Path, run: Path) -> np.ndarray:
    """The pictures of examples.png."""
    return importlib.import_module(BENCHMARKS[benchmark].drawings).examples(recipe, data, run)


def augmented_of(benchmark: str, recipe: Any, data: Path, count: int) -> np.ndarray:
    """Training samples with their targets."""
    drawings = importlib.import_module(BENCHMARKS[benchmark].drawings)
    return drawings.augmented_samples(recipe, data=data, seed=0, count=count)


def train(task: Any, folder: Path) -> list[dict[str, float]]:
    """Train to the end on the CPU; the history."""
    return fit(task, folder=folder, identity={}, seed=0, device=torch.device("cpu"), name="tiny")
