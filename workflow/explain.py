"""``python -m workflow.explain results/table4.csv --row ROW --column COLUMN``: from a cell back to the data."""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from liftedcl.files.atomic import read_json, sha256_of_file
from liftedcl.identity.errors import run_cli
from workflow.tables.made_table import read_made_table
from workflow.tables.recorded_runs import REMEDY, stages
from workflow.tables.stored_scores import NO_ENCODER

_READ = "what the table was made from"


def explain(table: Path, row: str, column: str) -> Iterator[str]:
    """Lines that lead from a cell to the runs it is the mean of, their encoders, and what those were made from.

    Args:
        table: the csv; its ``.provenance.json`` is beside it.
        row: as in the csv's column ``row``.
        column: key or name of the metric, as in the csv or the Markdown.

    Raises:
        InputError: a file is missing, or the table has no such row or column.
    """
    made = read_made_table(table)
    provenance, cell, of = made.provenance, made.record(row), made.column(column)
    value = "missing" if cell[of.key] == "" else f"{cell[of.key]:.2f}"
    spread = "" if cell[f"{of.key}_std"] == "" else f" ± {cell[f'{of.key}_std']:.2f}"
    yield f"{of.name} of {row}: {value}{spread} {of.unit} (profile {cell['profile']})"
    yield from _changed(table, provenance.get("csv_sha256"), "the table that was made")
    if row in NO_ENCODER:
        reference = provenance["references"][of.benchmark]
        yield f"  {cell['method']}; no network, from {reference}"
        yield from _changed(Path(reference), provenance.get("references_sha256", {}).get(of.benchmark), _READ)
        return
    for chain in provenance["rows"][row][of.benchmark]:
        for kind, run, record in stages(chain):
            yield f"  {'from encoder' if kind == 'encoder' else kind} {run}"
            yield from _metrics(Path(run), chain.get("metrics_sha256")) if kind != "encoder" else ()
            yield from _stage(record)


def _metrics(run: Path, read: str | None) -> Iterator[str]:
    """Whether metrics.json is still what was scored, and what the table was made from."""
    metrics, about = run / "metrics.json", run / "metrics.provenance.json"
    if about.exists():
        scored = read_json(about, REMEDY)
        recorded = scored.get("metrics_sha256") if isinstance(scored, dict) else None
        yield from _changed(metrics, recorded, "what was scored")
    yield from _changed(metrics, read, _READ)


def _changed(path: Path, recorded: str | None, what: str) -> Iterator[str]:
    """A warning if ``path`` is here with another content than ``recorded``, its SHA-256."""
    if not path.exists():
        return
    if recorded is None:
        yield f"  WARNING: no checksum of {path} was recorded, so an edit of it would not be seen; {REMEDY}"
    elif sha256_of_file(path) != recorded:
        yield f"  WARNING: {path} is not {what}, but edited or damaged; remove it and {REMEDY}"


def _stage(provenance: dict[str, Any] | None) -> Iterator[str]:
    if provenance is None:
        yield "    not run to its end"
        return
    hardware, memory = provenance.get("hardware", {}), provenance.get("peak_memory_mib")
    yield f"    seed {provenance.get('seed')}, {provenance.get('wall_seconds')} s, at most {memory} MiB of memory"
    yield f"    on {hardware.get('cpu')}, {hardware.get('cores')} cores, device {hardware.get('device')}"
    commit = provenance.get("commit") or f"none ({provenance.get('no_commit', 'not recorded')})"
    yield f"    code {provenance.get('code')}, commit {commit}, started {provenance.get('started')}"
    packages = provenance.get("packages", {})
    yield f"    packages {', '.join(f'{name} {version}' for name, version in packages.items())}"
    yield f"    recipe {json.dumps(provenance.get('recipe'), sort_keys=True)}"
    for name, digest in (provenance.get("inputs") or {}).items():
        yield f"    input {name}: sha256 {digest}"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m workflow.explain", description="Say where a cell comes from.")
    parser.add_argument("table", type=Path, help="results/TABLE.csv")
    parser.add_argument("--row", required=True, help="as in the column `row`, such as liftedcl_in_cc")
    parser.add_argument("--column", required=True, help="a metric by its name or key, such as MPJPE or mpjpe_mm")
    arguments = parser.parse_args()
    for line in explain(arguments.table, arguments.row, arguments.column):
        print(line)


if __name__ == "__main__":
    run_cli(main)
