"""The arguments that the commands about one benchmark share."""

import argparse
from pathlib import Path

from downstream.registry import BENCHMARKS


def add_benchmark_arguments(parser: argparse.ArgumentParser, out: str) -> None:
    """Declare ``--benchmark``, ``--recipe``, ``--data`` and ``--out``; ``out`` is the help text of the last."""
    add = parser.add_argument
    add("--benchmark", required=True, choices=BENCHMARKS, help="which benchmark")
    add("--recipe", required=True, help="its recipe: JSON text or file; see python -m workflow.params")
    add("--data", type=Path, required=True, help="folder of the benchmark's data set (docs/data.md)")
    add("--out", type=Path, required=True, help=out)
