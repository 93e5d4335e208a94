"""Scores over the share of the training set that was used: one panel per metric, one line per encoder. No torch."""

import argparse
from pathlib import Path

from liftedcl.files.figure_file import PANELS_ACROSS, figure_of_panels, save_figure
from liftedcl.identity.errors import InputError, run_cli
from workflow.benchmark_recipes import SEPARATOR
from workflow.tables.made_table import MadeTable, read_made_table
from workflow.tables.stored_scores import NO_ENCODER, REFERENCE
from workflow.tables.table_spec import Column
from workflow.tables.table_text import not_the_papers

Lines = dict[str, list[tuple[float, float, float]]]
"""Encoder -> percent of the training set, mean, and deviation over seeds (0 for one seed), sorted by percent."""


def efficiency_lines(made: MadeTable) -> dict[Column, Lines]:
    """The lines of each metric of a table whose rows are encoders fine-tuned on different fractions.

    Raises:
        InputError: the table has no score, or its provenance no fraction of a run.
    """
    lines: dict[Column, Lines] = {}
    for column in made.columns:
        of: Lines = {}
        for record in made.records:
            value = record[column.key]
            if value != "" and record["row"] not in NO_ENCODER:
                percent = 100 * _fraction(made, record["row"], column.benchmark)
                point = (percent, value, record[f"{column.key}_std"] or 0.0)
                of.setdefault(record["row"].split(SEPARATOR)[0], []).append(point)
        lines[column] = {encoder: sorted(points) for encoder, points in of.items()}
    if not any(lines.values()):
        raise InputError(f"{made.csv}: holds no score; make the table again with snakemake")
    return lines


def _fraction(made: MadeTable, row: str, benchmark: str) -> float:
    """The share of the training set that a row's run was trained on, above 0 and at most 1."""
    try:
        fraction = made.provenance["rows"][row][benchmark][0]["finetuning"]["recipe"]["fraction"]
        if type(fraction) in (int, float) and 0 < fraction <= 1:
            return float(fraction)
    except (LookupError, TypeError):
        pass
    source = made.csv.with_suffix(".provenance.json")
    raise InputError(f"{source}: holds no fraction of {row} on {benchmark}; make the table again with snakemake")


def plot_efficiency(table: Path, out: Path) -> None:
    """Draw `efficiency_lines` of ``table``.

    Raises:
        InputError: a file is missing or damaged, or the table has no score.
    """
    made = read_made_table(table)
    lines = efficiency_lines(made)
    records = {record["row"]: record for record in made.records}
    figure, axes = figure_of_panels(len(lines), height=2.6, below=0.9)
    drawn = {}
    for axis, (column, encoders) in zip(axes, lines.items(), strict=True):
        for number, (encoder, points) in enumerate(encoders.items()):
            percent, mean, deviation = zip(*points, strict=True)
            style = {"color": f"C{number % 10}", "marker": ".", "linewidth": 1.2, "capsize": 2}
            drawn[encoder] = axis.errorbar(percent, mean, yerr=deviation, **style)
        trivial = records[REFERENCE][column.key]
        if trivial != "":
            drawn[REFERENCE] = axis.axhline(trivial, color="grey", linestyle="--", linewidth=1)
        shares = sorted({percent for points in encoders.values() for percent, *_ in points})
        axis.set_xscale("log")
        axis.set_xticks(shares, [f"{share:g}" for share in shares])
        axis.set_xticks([], minor=True)
        better = "higher" if column.better == "up" else "lower"
        axis.set_title(f"{column.name} ({column.unit}), {better} is better", fontsize=8)
        axis.set_xlabel("% of the training set", fontsize=8)
    labels = [records[name]["method"] if name in records else name for name in drawn]
    across = min(PANELS_ACROSS, len(lines))
    figure.legend(list(drawn.values()), labels, loc="outside lower center", ncols=across, fontsize=8, frameon=False)
    figure.suptitle(not_the_papers(made.profile), fontsize=9)
    save_figure(figure, out)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m workflow.efficiency_plot", description="Draw scores over the share of the training set."
    )
    parser.add_argument("table", type=Path, help="results/data_efficiency.csv")
    parser.add_argument("--out", type=Path, required=True, help="the figure (PNG)")
    arguments = parser.parse_args()
    plot_efficiency(arguments.table, arguments.out)


if __name__ == "__main__":
    run_cli(main)
