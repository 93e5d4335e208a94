"""Which benchmarks there are: those that a file ``downstream/*/benchmark*.py`` enters. No torch here."""

import importlib
from pathlib import Path

from downstream.benchmark import Entry
from liftedcl.identity.code_digest import code_digest

BENCHMARKS: dict[str, Entry] = {
    entry.name: entry
    for path in sorted(Path(__file__).parent.glob("*/benchmark*.py"))
    for entry in [importlib.import_module(f"downstream.{path.parent.name}.{path.stem}").BENCHMARK]
}


def score_code(benchmark: str) -> str:
    """Digest of the code that scores predictions on ``benchmark``."""
    return code_digest("downstream.score", BENCHMARKS[benchmark].scores)


def finetune_code(benchmark: str) -> str:
    """Digest of the code that fine-tunes on ``benchmark`` and predicts: the trainer's and that benchmark's alone."""
    return code_digest("downstream.finetune", BENCHMARKS[benchmark].task.split(":")[0])
