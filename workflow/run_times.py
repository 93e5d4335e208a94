"""What the runs behind the tables took: one csv line per run, and a figure by encoder and benchmark. No torch."""

import argparse
import statistics
from collections import defaultdict
from pathlib import Path

from liftedcl.files.figure_file import save_figure
from liftedcl.identity.errors import InputError, run_cli
from workflow.tables.made_table import write_csv
from workflow.tables.recorded_runs import REMEDY, RecordedRun, distinct, duration, read_provenance, runs_of

_COLUMNS = ("kind", "run", "row", "benchmark", "seed", "wall_seconds", "peak_memory_mib", "device", "started")
_UNITS = (("h", 3600.0, 2 * 3600.0), ("min", 60.0, 2 * 60.0), ("s", 1.0, 0.0))
"""Of the time axes: name, seconds, and how long the longest run has to be for this unit, in seconds."""


def read_runs(provenances: list[Path]) -> list[RecordedRun]:
    """The distinct finished runs behind several tables.

    Raises:
        InputError: a provenance is missing or damaged, or none has a finished run.
    """
    runs = distinct(run for path in provenances for *_, run in runs_of(path, read_provenance(path)))
    if not runs:
        raise InputError(f"{provenances[0]}: holds no finished run; {REMEDY}")
    return runs


def figure_of_runs(runs: list[RecordedRun], path: Path) -> None:
    """Write a PNG: a bar for each encoder and each benchmark, the median over runs, with whiskers for their range."""
    from matplotlib.figure import Figure

    panels: dict[str, dict[str, list[float]]] = {}
    for run in runs:
        times = panels.setdefault(run.kind, defaultdict(list))
        times[run.row if run.kind == "encoder" else run.benchmark].append(run.wall_seconds)
    heights = [len(times) + 2 for times in panels.values()]
    figure = Figure(figsize=(8.8, 0.5 + 0.27 * sum(heights)), layout="constrained")
    figure.suptitle(_total(runs), fontsize=11)
    axes = figure.subplots(len(panels), 1, squeeze=False, height_ratios=heights)[:, 0]
    for axis, (kind, times) in zip(axes, panels.items(), strict=True):
        unit, seconds, _ = next(unit for unit in _UNITS if max(map(max, times.values())) >= unit[2])
        spans = [(min(values), statistics.median(values), max(values)) for values in times.values()]
        axis.barh(
            list(times),
            [median / seconds for _, median, _ in spans],
            xerr=[[(b - a) / seconds for a, b, _ in spans], [(c - b) / seconds for _, b, c in spans]],
            height=0.62,
            color="#8fb3d9" if kind == "encoder" else "#b9cf9a",
            error_kw={"ecolor": "#404040", "elinewidth": 1, "capsize": 2.5},
        )
        for place, ((_, median, most), values) in enumerate(zip(spans, times.values(), strict=True)):
            words = duration(median) + (f", {len(values)} runs" if len(values) > 1 else "")
            axis.annotate(words, (most / seconds, place), (6, 0), textcoords="offset points", va="center", fontsize=8)
        axis.invert_yaxis()
        axis.margins(x=0.17, y=0.03)
        axis.set_xlim(left=0)
        axis.set_title(f"wall time of one {kind} ({unit})", fontsize=9, loc="left")
        axis.tick_params(labelsize=8)
        axis.grid(axis="x", alpha=0.3)
        axis.set_axisbelow(True)
        axis.spines[["top", "right"]].set_visible(False)
    save_figure(figure, path, dpi=130)


def _total(runs: list[RecordedRun]) -> str:
    """Such as ``12.5 h in 84 runs: encoders 4.5 h, fine-tunings 8.0 h``."""
    hours: dict[str, float] = defaultdict(float)
    for run in runs:
        hours[run.kind] += run.wall_seconds / 3600
    parts = ", ".join(f"{kind}s {value:.1f} h" for kind, value in hours.items())
    return f"{sum(hours.values()):.1f} h in {len(runs)} runs: {parts}"


def main(words: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m workflow.run_times",
        description="List what the runs behind the tables took, each once, and draw it.",
        epilog="example: python -m workflow.run_times --provenance results/table*.provenance.json --out results/t.csv",
    )
    add = parser.add_argument
    add("--provenance", type=Path, nargs="+", required=True, metavar="PROVENANCE.json", help="of the tables")
    add("--out", type=Path, required=True, help="csv to write; .png is written beside it")
    arguments = parser.parse_args(words)
    runs = read_runs(arguments.provenance)
    figure_of_runs(runs, arguments.out.with_suffix(".png"))
    write_csv(arguments.out, [{name: getattr(run, name) for name in _COLUMNS} for run in runs])


if __name__ == "__main__":
    run_cli(main)
