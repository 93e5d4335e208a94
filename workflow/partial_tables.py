"""Tables of what there is, after a run in which some jobs failed: the rows without scores say why."""

from pathlib import Path

from liftedcl.errors import InputError
from workflow.layout import Layout
from workflow.stored_scores import unfinished
from workflow.table_spec import Table
from workflow.tables import make_table


def write_partial_tables(
    tables: dict[str, Table], *, profile: str, seeds: list[int], layout: Layout, results: Path
) -> list[str]:
    """Write each table of which some runs are finished and some are not, and return a line about each.

    A table without its trivial predictor, or without any finished run, is left as it is.
    """
    lines = []
    for name, table in tables.items():
        runs = table.runs(seeds)
        finished = sum(unfinished(Path(layout.benchmark(*run)), *run[1:], layout) is None for run in runs)
        references = all(Path(layout.reference(benchmark)).exists() for benchmark in table.benchmarks)
        if not references or not 0 < finished < len(runs):
            continue
        out = results / f"{name}.csv"
        try:
            make_table(table, profile=profile, seeds=seeds, layout=layout, out=out, partly=True)
        except InputError as error:
            lines.append(f"{name}: {error}")
        else:
            lines.append(f"{out}: {len(runs) - finished} of {len(runs)} runs are missing; the table says which and why")
    return lines
