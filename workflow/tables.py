"""Stored metrics -> a table as csv and Markdown, with the provenance of every cell. No torch."""

import argparse
import statistics
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from downstream import BENCHMARKS
from liftedcl.errors import InputError, run_cli
from liftedcl.files import atomic_path, read_json, write_json, write_text
from liftedcl.provenance import commit, versions
from liftedcl.recipe import read_recipe
from liftedcl.strict import parse, require_choice
from workflow.layout import Layout
from workflow.params import Params, read_yaml

REFERENCE = "reference"
FIGURES = ("figure5", "figure6", "figure7", "figure8", "lifting_progress", "training_curves")
"""What the rules draw; a table names those that are made with it."""


@dataclass(frozen=True)
class Column:
    """A metric: its key in metrics.json, its name and unit in the table, and whether ``up`` or ``down`` is better."""

    key: str
    name: str
    unit: str
    better: str

    def __post_init__(self) -> None:
        require_choice(self.better, ("up", "down"), "better")


@dataclass(frozen=True)
class Row:
    """An encoder of params.yaml under the name the paper gives it."""

    encoder: str
    method: str
    data: str


@dataclass(frozen=True)
class Difference:
    """What the paper states: row ``encoder`` minus row ``against_encoder``, per metric key."""

    encoder: str
    against: str
    against_encoder: str
    source: str
    values: dict[str, float]


@dataclass(frozen=True)
class Table:
    """One table of the paper.

    ``settings`` are keys of metrics.json that say how the scores were taken, and what they are called in the table.
    """

    title: str
    benchmark: str
    columns: tuple[Column, ...]
    reference: str
    rows: tuple[Row, ...]
    differences: tuple[Difference, ...]
    figures: tuple[str, ...]
    settings: dict[str, str] = field(default_factory=dict)


def read_tables(path: str | Path, params: Params) -> dict[str, Table]:
    """Read tables.yaml.

    Raises:
        InputError: unreadable YAML, an unknown key, a row whose encoder params.yaml doesn't have, or a benchmark or
            figure that nothing makes.
    """
    tables = parse(dict[str, Table], read_yaml(path), f"{Path(path).name}: ")
    for name, table in tables.items():
        if table.benchmark not in BENCHMARKS:
            raise InputError(f"tables.yaml: {name}.benchmark: {table.benchmark!r} is none of {', '.join(BENCHMARKS)}")
        if unknown := sorted(set(table.figures) - set(FIGURES)):
            raise InputError(f"tables.yaml: {name}.figures: {unknown[0]!r} is none of {', '.join(FIGURES)}")
        for row in table.rows:
            if row.encoder not in params.encoders:
                raise InputError(f"tables.yaml: {name}: encoder {row.encoder!r} is no row of params.yaml")
    return tables


def make_table(table: Table, *, profile: str, seeds: list[int], layout: Layout, out: Path) -> None:
    """Write ``out`` (csv), and beside it the Markdown and ``.provenance.json``.

    Raises:
        InputError: a run whose metrics are missing or damaged.
    """
    runs = {
        row.encoder: [Path(layout.benchmark(table.benchmark, row.encoder, seed)) for seed in seeds]
        for row in table.rows
    }
    remedy = "make it with snakemake"
    metrics = {name: [read_json(run / "metrics.json", remedy) for run in folders] for name, folders in runs.items()}
    metrics[REFERENCE] = [read_json(layout.reference(table.benchmark), remedy)]
    records = [
        _record(REFERENCE, table.reference, "-", table, profile, metrics),
        *(_record(row.encoder, row.method, row.data, table, profile, metrics) for row in table.rows),
    ]
    provenance = {
        "profile": profile,
        "seeds": seeds,
        "table_made_with": {"commit": commit(), "packages": versions()},
        "rows": {row.encoder: _chains(row.encoder, seeds, table, layout) for row in table.rows},
    }
    write_json(out.with_suffix(".provenance.json"), provenance)
    write_text(out.with_suffix(".md"), _markdown(table, profile, records))
    _write_csv(out, records)


def _record(
    encoder: str, method: str, data: str, table: Table, profile: str, metrics: dict[str, list[dict[str, Any]]]
) -> dict[str, Any]:
    """One line of the csv: what was run, the mean over its seeds, and the paper's differences beside ours."""
    record: dict[str, Any] = {"profile": profile, "row": encoder, "method": method, "pretraining": data}
    record["seeds"] = len(metrics[encoder]) if encoder != REFERENCE else ""
    for column in table.columns:
        values = [_value(run, column.key, encoder) for run in metrics[encoder]]
        record[column.key] = statistics.fmean(values)
        record[f"{column.key}_std"] = statistics.stdev(values) if len(values) > 1 else ""
    for key in table.settings:
        record[key] = "; ".join(dict.fromkeys(str(run.get(key, "unknown")) for run in metrics[encoder]))
    stated = [difference for difference in table.differences if difference.encoder == encoder]
    record["paper_says"] = "; ".join(_stated(difference, table) for difference in stated)
    record["measured_here"] = "; ".join(_measured(difference, table, metrics) for difference in stated)
    return record


def _value(run: dict[str, Any], key: str, encoder: str) -> float:
    if not isinstance(run, dict) or not isinstance(run.get(key), int | float):
        raise InputError(f"metrics.json of {encoder}: holds no number {key}; remove it and make it with snakemake")
    return run[key]


def _stated(difference: Difference, table: Table) -> str:
    named = {column.key: f"{column.name} {{:+.1f}} {column.unit}" for column in table.columns}
    values = ", ".join(named[key].format(value) for key, value in difference.values.items())
    return f"{values} against {difference.against} ({difference.source})"


def _measured(difference: Difference, table: Table, metrics: dict[str, list[dict[str, Any]]]) -> str:
    if difference.against_encoder not in metrics:
        return f"{difference.against} was not run"
    values = []
    for column in table.columns:
        if column.key in difference.values:
            ours, theirs = (
                statistics.fmean(run[column.key] for run in metrics[name])
                for name in (difference.encoder, difference.against_encoder)
            )
            values.append(f"{column.name} {ours - theirs:+.1f} {column.unit}")
    return f"{', '.join(values)} against {difference.against}"


def _chains(encoder: str, seeds: list[int], table: Table, layout: Layout) -> list[dict[str, Any]]:
    """For each seed the provenance of the fine-tuning and of the encoder it started from."""
    remedy = "make it with snakemake"
    return [
        {
            "finetuning": read_json(f"{layout.benchmark(table.benchmark, encoder, seed)}/provenance.json", remedy),
            "encoder": read_json(f"{layout.encoder(encoder, seed)}/provenance.json", remedy),
        }
        for seed in seeds
    ]


def _markdown(table: Table, profile: str, records: list[dict[str, Any]]) -> str:
    heads = ["method", "pre-training", *(f"{column.name} ({column.unit})" for column in table.columns)]
    lines = [f"### {table.title} — profile `{profile}`", ""]
    if profile != "paper":
        lines += [
            f"**{profile} values: not the paper's experiment; compare nothing published with them.**",
            "",
        ]
    lines += [f"| profile | {' | '.join(heads)} |", "|---|---|---|" + "---:|" * len(table.columns)]
    for record in records:
        cells = [record["profile"], record["method"], record["pretraining"]]
        cells += [_cell(record, column.key) for column in table.columns]
        lines.append(f"| {' | '.join(cells)} |")
    lines.append("")
    for key, name in table.settings.items():
        lines.append(f"- {name}: {'; '.join(dict.fromkeys(record[key] for record in records))}")
    for record in records:
        if record["paper_says"]:
            pairs = zip(record["paper_says"].split("; "), record["measured_here"].split("; "), strict=True)
            name = f"{record['method']} ({record['pretraining']})"
            lines += [f"- {name}: the paper says {says}; measured here ({profile}): {here}." for says, here in pairs]
    return "\n".join(lines) + "\n"


def _cell(record: dict[str, Any], key: str) -> str:
    spread = f" ± {record[f'{key}_std']:.1f}" if record[f"{key}_std"] != "" else ""
    return f"{record[key]:.1f}{spread}"


def _write_csv(path: Path, records: list[dict[str, Any]]) -> None:
    import pandas as pd

    rounded = [
        {key: round(value, 2) if isinstance(value, float) else value for key, value in record.items()}
        for record in records
    ]
    with atomic_path(path) as part:
        pd.DataFrame(rounded).to_csv(part, index=False, lineterminator="\n")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m workflow.tables", description="Make one table from finished runs.")
    add = parser.add_argument
    add("--table", required=True, help="the table's entry of workflow/tables.yaml as JSON")
    add("--profile", required=True, help="profile that was run; stands in every row")
    add("--seeds", type=int, nargs="+", required=True, help="seeds that were run")
    add("--runs", required=True, help="folder of the runs, such as runs/demo")
    add("--out", type=Path, required=True, help="results/TABLE.csv; .md and .provenance.json are written beside it")
    arguments = parser.parse_args()
    table = read_recipe(Table, arguments.table)
    layout = Layout(arguments.runs)
    make_table(table, profile=arguments.profile, seeds=arguments.seeds, layout=layout, out=arguments.out)


if __name__ == "__main__":
    run_cli(main)
