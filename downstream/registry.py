"""Which benchmarks there are: those that a file ``benchmark.py`` below downstream/ enters. No torch here."""

import importlib
from collections.abc import Iterator
from pathlib import Path

from downstream.benchmark import Entry
from liftedcl.identity.code_digest import code_digest

_HERE = Path(__file__).parent


def _entries() -> Iterator[Entry]:
    for path in sorted(_HERE.rglob("*/benchmark.py")):
        parts = path.relative_to(_HERE.parent).with_suffix("").parts
        yield importlib.import_module(".".join(parts)).BENCHMARK


BENCHMARKS = {entry.name: entry for entry in _entries()}


def score_code(benchmark: str) -> str:
    """Digest of the code that scores predictions on ``benchmark``."""
    return code_digest("downstream.score", BENCHMARKS[benchmark].scores)


def finetune_code(benchmark: str) -> str:
    """Digest of the code that fine-tunes on ``benchmark`` and predicts: the trainer's and that benchmark's alone."""
    return code_digest("downstream.finetune", BENCHMARKS[benchmark].task.split(":")[0])
