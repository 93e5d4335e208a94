"""All benchmarks and data sets: a file ``benchmark.py`` or ``data_set.py`` enters each of them. No torch."""

import importlib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from downstream.benchmark import Entry
from liftedcl.data_sets.description import DataSet

_ROOT = Path(__file__).parents[1]


def _modules(pattern: str) -> Iterator[ModuleType]:
    """The modules whose files match ``pattern``, sorted by path."""
    for path in sorted(_ROOT.glob(pattern)):
        yield importlib.import_module(".".join(path.relative_to(_ROOT).with_suffix("").parts))


DATA_SETS: dict[str, DataSet] = {
    module.DATA_SET.name: module.DATA_SET
    for pattern in ("liftedcl/data_sets/*/data_set.py", "downstream/**/data_set.py")
    for module in _modules(pattern)
}
BENCHMARKS: dict[str, Entry] = {
    module.BENCHMARK.name: module.BENCHMARK for module in _modules("downstream/*/**/benchmark.py")
}


def score_modules(benchmark: str) -> tuple[str, ...]:
    """Modules that score predictions on ``benchmark``."""
    return ("downstream.score", BENCHMARKS[benchmark].module("scores"))


def finetune_modules(benchmark: str) -> tuple[str, ...]:
    """Modules that fine-tune on ``benchmark`` and predict: the trainer and that benchmark's task alone."""
    return ("downstream.finetune", BENCHMARKS[benchmark].module("task"))
