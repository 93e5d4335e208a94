"""One encoder on all benchmarks: scores between the trivial predictor's and the bound, what runs took. No torch."""

import argparse
import math
import statistics
from pathlib import Path
from typing import Any

from liftedcl.files.atomic import read_json, write_text
from liftedcl.identity.errors import InputError, run_cli
from liftedcl.identity.recipe import read_recipe
from workflow.layout import Layout
from workflow.tables.best_row import beats
from workflow.tables.made_table import write_csv
from workflow.tables.scaled import SCALED, scaled
from workflow.tables.stored_scores import BOUND, REFERENCE, read_metrics, read_references
from workflow.tables.table_spec import Column, Table
from workflow.tables.table_text import heading, markdown_row

_REMEDY = "make it with snakemake"


def overview(tables: dict[str, Table], *, row: str, seed: int, profile: str, layout: Layout) -> list[dict[str, Any]]:
    """One record for each metric of each benchmark, and one with the mean of the first metrics, scaled.

    ``tables`` gives the table that names a benchmark's metrics.

    Raises:
        InputError: metrics of a run are missing or damaged.
    """
    records: list[dict[str, Any]] = []
    headlines = []
    for benchmark, table in tables.items():
        run = layout.benchmark(benchmark, row, seed)
        columns = table.columns_of(benchmark)
        scores = read_metrics(f"{run}/metrics.json", columns)
        references = read_references(layout.reference(benchmark), columns)
        took = _wall_seconds(f"{run}/provenance.json")
        for column in columns:
            ours, trivial, bound = (of[column.metric] for of in (scores, references[REFERENCE], references[BOUND]))
            share = scaled(ours, trivial, bound, column)
            headlines += [share] if column == columns[0] else []
            records.append(
                {
                    "profile": profile,
                    "row": row,
                    "benchmark": benchmark,
                    "metric": column.name,
                    "unit": column.unit,
                    "better": column.better,
                    "trivial_predictor": _cell(trivial),
                    "bound": _cell(bound),
                    "score": _cell(ours),
                    "scaled": _cell(share),
                    "beats_trivial": _beats(ours, trivial, column),
                    "wall_seconds": took,
                }
            )
    mean = None if None in headlines else statistics.fmean(headlines)
    last = {
        "profile": profile,
        "row": row,
        "benchmark": "all",
        "metric": "mean of first metrics",
        "scaled": _cell(mean),
    }
    return [*records, dict.fromkeys(records[0], "") | last]


def _wall_seconds(path: str) -> float:
    about = read_json(path, _REMEDY)
    took = about.get("wall_seconds") if isinstance(about, dict) else None
    if isinstance(took, bool) or not isinstance(took, int | float) or not 0 <= took < math.inf:
        raise InputError(f"{path}: holds no wall_seconds that can be; remove it and {_REMEDY}")
    return took


def _cell(value: float | None) -> float | str:
    return "not defined" if value is None else round(value, 2)


def _beats(ours: float | None, trivial: float | None, column: Column) -> str:
    if ours is None or trivial is None:
        return "not defined"
    return "yes" if beats(ours, trivial, column, digits=2) else "no"


def _markdown(records: list[dict[str, Any]], profile: str) -> str:
    lines = [*heading("One encoder, six benchmarks", profile), markdown_row(records[0]), "|" + "---|" * len(records[0])]
    lines += [markdown_row(map(str, record.values())) for record in records]
    return "\n".join([*lines, "", SCALED]) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m workflow.overview", description="Make the table of one encoder on all benchmarks."
    )
    add = parser.add_argument
    add("--tables", nargs="+", required=True, help="entries of workflow/tables/tables.yaml as JSON, one a benchmark")
    add("--row", required=True, help="the encoder's row of params.yaml")
    add("--seed", type=int, required=True, help="which of its runs")
    add("--profile", required=True, help="profile that was run")
    add("--runs", required=True, help="folder of the runs, such as runs/demo")
    add("--out", type=Path, required=True, help="csv to write; .md is written beside it")
    arguments = parser.parse_args()
    tables = {table.benchmark: table for table in (read_recipe(Table, text) for text in arguments.tables)}
    layout = Layout(arguments.runs)
    records = overview(tables, row=arguments.row, seed=arguments.seed, profile=arguments.profile, layout=layout)
    write_text(arguments.out.with_suffix(".md"), _markdown(records, arguments.profile))
    write_csv(arguments.out, records)


if __name__ == "__main__":
    run_cli(main)
