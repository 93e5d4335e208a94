"""Stored scores -> a table as csv, Markdown and LaTeX, with the provenance of every cell. No torch."""

import argparse
from pathlib import Path

from liftedcl.files.atomic import sha256_of_file, write_json, write_text
from liftedcl.identity.errors import run_cli
from liftedcl.identity.recipe import read_recipe
from workflow.layout import Layout
from workflow.tables.computed_table import computed_table
from workflow.tables.macros import macros
from workflow.tables.made_table import write_csv
from workflow.tables.stored_scores import read_scores
from workflow.tables.table_spec import Table
from workflow.tables.table_text import latex, markdown


def make_table(
    table: Table, *, profile: str, seeds: list[int], layout: Layout, out: Path, partly: bool = False
) -> None:
    """Write ``out`` (csv), and beside it the Markdown, the LaTeX, its macros and ``.provenance.json``.

    Args:
        table: as `table_spec.read_tables` returns it.
        partly: rows whose metrics are missing or damaged say so and why; an error otherwise.

    Raises:
        InputError: metrics are missing or damaged, or those of a trivial predictor are.
    """
    scores = read_scores(table, seeds, layout, partly=partly)
    made = computed_table(table, scores, profile=profile, seeds=seeds, layout=layout, csv=out)
    write_csv(out, list(made.records))
    write_json(out.with_suffix(".provenance.json"), made.provenance | {"csv_sha256": sha256_of_file(out)})
    write_text(out.with_suffix(".md"), markdown(made, table.settings))
    write_text(out.with_suffix(".tex"), latex(made))
    write_text(out.with_suffix(".macros.tex"), macros(made))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m workflow.tables", description="Make one table from finished runs.")
    add = parser.add_argument
    add("--table", required=True, help="JSON: an entry of workflow/tables/tables.yaml, each column with its benchmark")
    add("--profile", required=True, help="profile that was run; it is in every row")
    add("--seeds", type=int, nargs="+", required=True, help="seeds that were run")
    add("--runs", required=True, help="folder of the runs, such as runs/demo")
    add("--out", type=Path, required=True, help="results/TABLE.csv; its other forms are written beside it")
    add("--partly", action="store_true", help="make it from the finished runs; rows without metrics say why")
    arguments = vars(parser.parse_args())
    table, layout = read_recipe(Table, arguments.pop("table")), Layout(arguments.pop("runs"))
    make_table(table, layout=layout, **arguments)


if __name__ == "__main__":
    run_cli(main)
