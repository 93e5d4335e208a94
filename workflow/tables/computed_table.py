"""Scores of finished runs -> one table: means over seeds, differences to the baseline, and where each came from."""

import statistics
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from liftedcl.files.atomic import sha256_of_file
from liftedcl.identity.provenance import commit_of, versions
from workflow.layout import Layout
from workflow.tables.made_table import MadeTable, said_of
from workflow.tables.paired import Paired, paired
from workflow.tables.recorded_runs import runs_of
from workflow.tables.stored_scores import BOUND, NO_ENCODER, REFERENCE, Scores, encoder_chain, provenance_of
from workflow.tables.table_spec import Column, Difference, Row, Table
from workflow.tables.table_text import measured, stated

_BOUND = "bound: the true labels after encoding and decoding (no network)"


def computed_table(
    table: Table, scores: dict[str, Scores], *, profile: str, seeds: list[int], layout: Layout, csv: Path
) -> MadeTable:
    """The table; ``scores`` are those of `read_scores`, ``csv`` is where it will be written.

    Raises:
        InputError: the provenance of a run is damaged.
    """
    differences = [_difference(difference, table, scores) for difference in table.differences]
    rows = (Row(REFERENCE, table.reference, "-"), Row(BOUND, _BOUND, "-"), *table.rows)
    provenance = {
        "title": table.title,
        "profile": profile,
        "seeds": seeds,
        "baseline": table.baseline,
        "columns": {
            column.key: {name: value for name, value in asdict(column).items() if name != "key"}
            for column in table.columns
        },
        "differences": differences,
        "published": table.published,
        "references": {benchmark: layout.reference(benchmark) for benchmark in table.benchmarks},
        "references_sha256": {benchmark: _digest(layout.reference(benchmark)) for benchmark in table.benchmarks},
        "table_made_with": {**commit_of(), "packages": versions()},
        "rows": {row.name: _chains(row, seeds, table, layout) for row in table.rows},
    }
    return MadeTable(
        csv=csv,
        columns=table.columns,
        records=tuple(_record(row, table, profile, scores, differences) for row in rows),
        settings=tuple(table.settings),
        runs=tuple(runs_of(csv.with_suffix(".provenance.json"), provenance)),
        **said_of(provenance),
    )


def _record(
    row: Row, table: Table, profile: str, scores: dict[str, Scores], differences: list[dict[str, Any]]
) -> dict[str, Any]:
    """One line of the csv.

    It says what was run; for each column the mean over seeds, their deviation, and the difference to the baseline with
    its 95% interval and p; how the scores were taken; what the paper says and what was measured here.
    """
    record: dict[str, Any] = {"profile": profile, "row": row.name, "method": row.method, "pretraining": row.data}
    ours = scores[row.name]
    record["seeds"] = "" if row.name in NO_ENCODER else len(ours.metrics[table.columns[0].benchmark])
    compared = row.name not in (*NO_ENCODER, table.baseline)
    for column in table.columns:
        values, key = ours.values(column), column.key
        record[key] = "" if values is None else statistics.fmean(values)
        record[f"{key}_std"] = statistics.stdev(values) if values is not None and len(values) > 1 else ""
        pair = _paired(scores, row.name, table.baseline, column) if compared else None
        for name, of in (("difference", "mean"), ("low", "low"), ("high", "high"), ("p", "p")):
            value = getattr(pair, of, None)
            record[f"{key}_{name}"] = "" if value is None else value
    for key in table.settings:
        record[key] = "; ".join(dict.fromkeys(_settings(key, row, ours)))
    record["missing"] = "; ".join(ours.missing)
    mine = [difference for difference in differences if difference["row"] == row.name]
    record["paper_says"] = "; ".join(map(stated, mine))
    record["measured_here"] = "; ".join(map(measured, mine))
    # Finer than anything that is printed, so that no value is rounded twice on its way.
    return {key: round(value, 6) if isinstance(value, float) else value for key, value in record.items()}


def _settings(key: str, row: Row, scores: Scores) -> Iterator[str]:
    """How the runs of a row were taken, by the benchmarks that say so; a trivial predictor has few settings."""
    runs = [[run for run in several if run is not None] for several in scores.metrics.values()]
    saying = [several for several in runs if any(key in run for run in several)]
    for run in (run for several in saying or runs for run in several):
        if key in run or row.name not in NO_ENCODER:
            yield str(run.get(key, "unknown"))


def _difference(difference: Difference, table: Table, scores: dict[str, Scores]) -> dict[str, Any]:
    """A difference of the paper beside ours, metric by metric, with the ends of our interval if there are seeds.

    ``ours`` is None if a run is missing.
    """
    metrics = []
    for column in (column for column in table.columns if column.key in difference.values):
        paper, pair = difference.values[column.key], _paired(scores, difference.row, difference.against, column)
        verdict = "not measured" if pair is None else pair.verdict(paper)
        ours = {name: getattr(pair, of, None) for name, of in (("ours", "mean"), ("low", "low"), ("high", "high"))}
        metrics.append({"name": column.name, "unit": column.unit, "paper": paper, **ours, "verdict": verdict})
    against = next(f"{row.method} ({row.data})" for row in table.rows if row.name == difference.against)
    return {"row": difference.row, "against": against, "source": difference.source, "metrics": metrics}


def _paired(scores: dict[str, Scores], row: str, against: str, column: Column) -> Paired | None:
    """One row minus another; None if a run of either is missing."""
    ours, theirs = scores[row].values(column), scores[against].values(column)
    return None if ours is None or theirs is None else paired(ours, theirs)


def _chains(row: Row, seeds: list[int], table: Table, layout: Layout) -> dict[str, list[Any]]:
    """For each benchmark and seed, the provenance of the fine-tuning and of its encoders, the last one first."""

    def chain(benchmark: str, seed: int) -> dict[str, Any]:
        run = layout.benchmark(row.run(benchmark), row.encoder, seed)
        encoders = encoder_chain(row.encoder, seed, layout)
        return {
            "run": run,
            "metrics_sha256": _digest(f"{run}/metrics.json"),
            "finetuning": provenance_of(Path(run)),
            "encoders": [{"run": str(place), "provenance": provenance} for place, provenance in encoders],
        }

    return {benchmark: [chain(benchmark, seed) for seed in seeds] for benchmark in table.benchmarks}


def _digest(path: str) -> str | None:
    return sha256_of_file(path) if Path(path).exists() else None
