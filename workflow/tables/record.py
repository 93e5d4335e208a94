"""Keep tables as a recorded result: copies, intervals of their means, a summary of their provenance. No torch."""

import argparse
import shutil
from pathlib import Path
from typing import Any

from liftedcl.files.atomic import atomic_path, write_json, write_text
from liftedcl.identity.errors import InputError, run_cli
from workflow.tables.made_table import MadeTable, read_made_table
from workflow.tables.paired import LEVEL, half_width
from workflow.tables.recorded_runs import damage_named, distinct, finished
from workflow.tables.stored_scores import NO_ENCODER
from workflow.tables.table_text import label_of


def provenance_summary(tables: list[MadeTable]) -> dict[str, Any]:
    """What the runs behind ``tables`` had in common, and each recipe once.

    Returns:
        profile and seeds; first and last day, hardware, commits and packages of the runs; their number and minutes;
        the recipe of each row of params.yaml and of each benchmark or BENCHMARK-VARIANT.

    Raises:
        InputError: tables of several profiles, or no finished run.
    """
    if len({(table.profile, table.seeds) for table in tables}) != 1:
        names = ", ".join(f"{table.csv} ({table.profile})" for table in tables)
        raise InputError(f"{names}: are not of one profile and its seeds; make them again with snakemake")
    runs = distinct(run for table in tables for *_, run in table.runs)
    if not runs:
        raise InputError(f"{tables[0].csv}: has no finished run; make it again with snakemake")
    encoders, finetunings, packages = {}, {}, {}
    for table in tables:
        with damage_named(table.csv.with_suffix(".provenance.json")):
            for _, _, kind, run, record in finished(table.provenance):
                *_, benchmark, row, _ = Path(run).parts
                recipes, key = (encoders, row) if kind == "encoder" else (finetunings, benchmark)
                recipes[key] = record["recipe"]
                packages |= record["packages"]
    days = sorted(run.started[:10] for run in runs)
    return {
        "profile": tables[0].profile,
        "seeds": tables[0].seeds,
        "days": [days[0], days[-1]],
        "hardware": sorted({run.hardware for run in runs}),
        "commits": sorted({str(run.commit) for run in runs}),
        "packages": packages,
        "runs": len(runs),
        "minutes": round(sum(run.wall_seconds for run in runs) / 60),
        "encoders": encoders,
        "benchmarks": finetunings,
    }


def intervals(tables: list[MadeTable]) -> str:
    """Markdown: for each table the mean of each row and metric over seeds, with its interval."""
    parts = [f"The mean over seeds, and in brackets its {LEVEL:.0%} interval (Student's t).\n"]
    for table in tables:
        heads = [f"{column.name} ({column.unit})" for column in table.columns]
        parts += [f"\n### {label_of(table.name)}: {table.title}\n\n| method | data | {' | '.join(heads)} |\n"]
        parts += [f"|---|---|{'---:|' * len(heads)}\n"]
        for record in table.records:
            cells = [_interval(record, column.key) for column in table.columns]
            parts += [f"| {record['method']} | {record['pretraining']} | {' | '.join(cells)} |\n"]
    return "".join(parts)


def _interval(record: dict[str, Any], key: str) -> str:
    mean, deviation = record[key], record[f"{key}_std"]
    if mean == "" or deviation == "" or record["row"] in NO_ENCODER:
        return "" if mean == "" else f"{mean:.1f}"
    half = half_width(deviation, int(record["seeds"]))
    return f"{mean:.1f} [{mean - half:.1f}, {mean + half:.1f}]"


def record_results(paths: list[Path], beside: list[Path], out: Path) -> None:
    """Copy the tables ``paths`` (csv, Markdown) and the files ``beside`` them into ``out``, and sum the tables up.

    Raises:
        InputError: a table or file is missing or damaged, or see `provenance_summary`.
    """
    tables = [read_made_table(path) for path in paths]
    summary = provenance_summary(tables)
    copied = [*paths, *(path.with_suffix(".md") for path in paths), *beside]
    for path in copied:
        if not path.is_file():
            raise InputError(f"{path}: not found; make it with snakemake first")
    out.mkdir(parents=True, exist_ok=True)
    for path in copied:
        with atomic_path(out / path.name) as part:
            shutil.copyfile(path, part)
    write_text(out / "intervals.md", intervals(tables))
    write_json(out / "provenance.json", summary)


def main(words: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m workflow.tables.record",
        description="Keep tables as a recorded result: copies of them, the intervals of their means, and a summary of "
        "what they were made with.",
        epilog="example: python -m workflow.tables.record results/table4.csv --beside results/figure5.png --out kept",
    )
    parser.add_argument("tables", type=Path, nargs="+", metavar="TABLE.csv", help="tables of one profile")
    parser.add_argument("--beside", type=Path, nargs="*", default=[], help="other files to copy: figures, summaries")
    parser.add_argument("--out", type=Path, required=True, help="the folder")
    arguments = parser.parse_args(words)
    record_results(arguments.tables, arguments.beside, arguments.out)


if __name__ == "__main__":
    run_cli(main)
