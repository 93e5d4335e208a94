"""Draw the histories of several trainings: loss terms and feature health over steps, one panel per column."""

import argparse
from pathlib import Path

from liftedcl.engine.history import read_history
from liftedcl.files.figure_file import PANELS_ACROSS, figure_of_panels, save_figure
from liftedcl.identity.errors import InputError, run_cli


def figure_of_histories(histories: list[Path], path: Path) -> None:
    """Write a PNG with one panel per column of any of the histories and one line per run that has it.

    Raises:
        InputError: a history is missing or damaged, or no history has a column to draw.
    """
    # A run is named by its folder's last two parts, row and seed, such as liftedcl_in_cc/seed0.
    runs = [("/".join(history.resolve().parent.parts[-2:]), read_history(history)) for history in histories]
    panels = list(dict.fromkeys(column for _, rows in runs for column in rows[0] if column not in ("epoch", "step")))
    panels.sort(key=lambda column: column.startswith("features/"))  # losses first
    if not panels:
        raise InputError(f"{histories[0]}: holds no column beside epoch and step; name another history.csv")
    across = min(PANELS_ACROSS, len(panels))
    figure, axes = figure_of_panels(len(panels), height=2.4, below=0.2 * -(-len(runs) // across))
    lines = {}
    for axis, column in zip(axes, panels, strict=True):
        for number, (name, rows) in enumerate(runs):
            if column in rows[0]:
                style = {"color": f"C{number % 10}", "linestyle": ("-", "--", ":")[number // 10 % 3], "marker": "."}
                x, y = [row["step"] for row in rows], [row[column] for row in rows]
                (lines[name],) = axis.plot(x, y, linewidth=1.2, markersize=4 if len(rows) < 30 else 0, **style)
        axis.set_title(column, fontsize=9)
        axis.set_xlabel("step", fontsize=8)
    drawn = {name: lines[name] for name, _ in runs if name in lines}
    figure.legend(drawn.values(), drawn, loc="outside lower center", ncols=across, fontsize=8, frameon=False)
    save_figure(figure, path)


def main(words: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m liftedcl.training_curves",
        description="Draw loss terms and feature health of one or several trainings over their steps.",
        epilog="example: python -m liftedcl.training_curves runs/demo/encoders/*/seed0/history.csv --out curves.png",
    )
    parser.add_argument("histories", type=Path, nargs="+", metavar="HISTORY.csv", help="history.csv of a run")
    parser.add_argument("--out", type=Path, required=True, help="the figure (PNG)")
    arguments = parser.parse_args(words)
    figure_of_histories(arguments.histories, arguments.out)


if __name__ == "__main__":
    run_cli(main)
