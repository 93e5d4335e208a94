"""A table of the runs that give scores, after some jobs failed: the other rows say why they have none."""

import itertools
from pathlib import Path

from workflow.layout import Layout
from workflow.tables.stored_scores import why_missing
from workflow.tables.table_spec import Table


def missing_runs(table: Table, seeds: list[int], layout: Layout) -> int:
    """How many runs of a table are not finished, or have damaged metrics.

    It is also 0 if no run is finished or the scores of a trivial predictor are missing: that table would be empty.
    """
    runs = list(itertools.product(table.rows, table.benchmarks, seeds))
    missing = sum(why_missing(row, benchmark, table, seed, layout) is not None for row, benchmark, seed in runs)
    references = all(Path(layout.reference(benchmark)).exists() for benchmark in table.benchmarks)
    return missing if references and missing < len(runs) else 0


def write_partial_table(table: Table, *, profile: str, seeds: list[int], layout: Layout, out: Path) -> str:
    """Write a table without the runs that are missing, and return a line that says how many those are.

    Raises:
        InputError: the scores of a trivial predictor, or a run's provenance, are damaged.
    """
    from workflow.tables.__main__ import make_table  # here: it brings SciPy, and every plan reads this module

    make_table(table, profile=profile, seeds=seeds, layout=layout, out=out, partly=True)
    missing, of = missing_runs(table, seeds, layout), len(table.runs(seeds))
    return f"{out}: {missing} of {of} runs are missing; the table says which and why"
