"""Which benchmarks there are: those that a file ``benchmark.py`` below downstream/ enters. No torch here."""

import importlib
from collections.abc import Iterator
from pathlib import Path

from downstream.benchmark import Entry

_HERE = Path(__file__).parent


def _entries() -> Iterator[Entry]:
    for path in sorted(_HERE.rglob("*/benchmark.py")):
        parts = path.relative_to(_HERE.parent).with_suffix("").parts
        yield importlib.import_module(".".join(parts)).BENCHMARK


BENCHMARKS = {entry.name: entry for entry in _entries()}


def score_modules(benchmark: str) -> tuple[str, ...]:
    """Modules that score predictions on ``benchmark``."""
    return ("downstream.score", BENCHMARKS[benchmark].scores)


def finetune_modules(benchmark: str) -> tuple[str, ...]:
    """Modules that fine-tune on ``benchmark`` and predict: the trainer and that benchmark's task alone."""
    return ("downstream.finetune", BENCHMARKS[benchmark].task.split(":")[0])
