"""Scores over the share of the training set that was fine-tuned on: a panel a metric, a line an encoder. No torch."""

import argparse
from pathlib import Path

from liftedcl.files.figure_file import save_figure
from liftedcl.identity.errors import InputError, run_cli
from workflow.benchmark_recipes import SEPARATOR
from workflow.tables.made_table import MadeTable, read_made_table
from workflow.tables.stored_scores import REFERENCE
from workflow.tables.table_spec import Column
from workflow.tables.table_text import not_the_papers

_COLUMNS = 4
_PANEL = (3.2, 2.6)
"""Inches."""


Lines = dict[str, list[tuple[float, float, float]]]
"""Encoder -> percent of the training set, mean, and deviation over seeds (0 of one seed), by rising percent."""


def efficiency_lines(made: MadeTable) -> dict[Column, Lines]:
    """The lines of each metric of a table whose rows are encoders fine-tuned on different fractions.

    Raises:
        InputError: a table without any score.
    """
    rows = made.provenance["rows"]
    lines: dict[Column, Lines] = {}
    for column in made.columns:
        of: Lines = {}
        for record in made.records[1:]:
            value = record[column.key]
            if value != "":
                fraction = rows[record["row"]][column.benchmark][0]["finetuning"]["recipe"]["fraction"]
                point = (100 * float(fraction), value, record[f"{column.key}_std"] or 0.0)
                of.setdefault(record["row"].split(SEPARATOR)[0], []).append(point)
        lines[column] = {encoder: sorted(points) for encoder, points in of.items()}
    if not any(lines.values()):
        raise InputError(f"{made.csv}: holds no score; make the table again with snakemake")
    return lines


def plot_efficiency(table: Path, out: Path) -> None:
    """Draw `efficiency_lines` of ``table``.

    Raises:
        InputError: a file that is missing or damaged, or a table without any score.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    made = read_made_table(table)
    lines = efficiency_lines(made)
    records = {record["row"]: record for record in made.records}
    across = min(_COLUMNS, len(lines))
    down = -(-len(lines) // across)
    figure = Figure(figsize=(across * _PANEL[0], down * _PANEL[1] + 0.9), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(down, across, squeeze=False).ravel()
    drawn = {}
    for axis, (column, encoders) in zip(panels, lines.items(), strict=False):
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
        axis.tick_params(labelsize=7)
        axis.grid(alpha=0.3)
    for axis in panels[len(lines) :]:
        axis.axis("off")
    labels = [records[name]["method"] if name in records else name for name in drawn]
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
