"""One encoder on all benchmarks: its scores beside the trivial predictor's, and what the runs took. No torch."""

import argparse
from pathlib import Path
from typing import Any

from liftedcl.files.atomic import read_json, write_text
from liftedcl.identity.errors import run_cli
from liftedcl.identity.recipe import read_recipe
from workflow.layout import Layout
from workflow.tables.made_table import write_csv
from workflow.tables.stored_scores import read_metrics
from workflow.tables.table_spec import Column, Table
from workflow.tables.table_text import heading, markdown_row

_REMEDY = "make it with snakemake"


def overview(tables: dict[str, Table], *, row: str, seed: int, profile: str, layout: Layout) -> list[dict[str, Any]]:
    """One record for each metric of each benchmark; ``tables`` gives the table that names a benchmark's metrics.

    Raises:
        InputError: metrics of a run are missing or damaged.
    """
    records = []
    for benchmark, table in tables.items():
        run = layout.benchmark(benchmark, row, seed)
        columns = table.columns_of(benchmark)
        scores = read_metrics(f"{run}/metrics.json", columns)
        reference = read_metrics(layout.reference(benchmark), columns)
        took = read_json(f"{run}/provenance.json", _REMEDY)["wall_seconds"]
        for column in columns:
            ours, trivial = scores[column.metric], reference[column.metric]
            records.append(
                {
                    "profile": profile,
                    "row": row,
                    "benchmark": benchmark,
                    "metric": column.name,
                    "unit": column.unit,
                    "better": column.better,
                    "trivial_predictor": _cell(trivial),
                    "score": _cell(ours),
                    "beats_trivial": _beats(ours, trivial, column),
                    "wall_seconds": took,
                }
            )
    return records


def _cell(value: float | None) -> float | str:
    return "not defined" if value is None else round(value, 2)


def _beats(ours: float | None, trivial: float | None, column: Column) -> str:
    if ours is None or trivial is None:
        return "not defined"
    ours, trivial = round(ours, 2), round(trivial, 2)  # as they are shown
    return "yes" if (ours > trivial) == (column.better == "up") and ours != trivial else "no"


def _markdown(records: list[dict[str, Any]], profile: str) -> str:
    lines = [*heading("One encoder, six benchmarks", profile), markdown_row(records[0]), "|" + "---|" * len(records[0])]
    lines += [markdown_row(map(str, record.values())) for record in records]
    return "\n".join(lines) + "\n"


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
