"""Scores of finished runs, by row, column and seed, and why some are missing. No torch."""

import math
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from liftedcl.files.atomic import read_json
from liftedcl.identity.errors import InputError
from workflow.layout import Layout
from workflow.params import NO_ENCODER
from workflow.tables.table_spec import Column, Row, Table

REFERENCE, BOUND = NO_ENCODER
_REMEDY = "make it with snakemake"
_RANGES = {"%": (0.0, 100.0), "mm": (0.0, math.inf)}
"""Unit -> the lowest and the highest score; a unit that isn't here has any finite score."""
_ROUNDING = 1e-6
"""A mean of shares may be beyond 100% by this."""


@dataclass(frozen=True)
class Scores:
    """The scores of one row, in the order of the seeds.

    Attributes:
        metrics: benchmark -> metrics.json of each seed, or None if it is missing.
        missing: one sentence for each run without metrics, and for each metric that the test set can't give.
    """

    metrics: dict[str, list[dict[str, Any] | None]]
    missing: tuple[str, ...]

    def values(self, column: Column) -> list[float] | None:
        """The metric of every seed; None if a seed has none."""
        values = [None if run is None else run.get(column.metric) for run in self.metrics[column.benchmark]]
        return values if all(isinstance(value, int | float) for value in values) else None


def read_scores(table: Table, seeds: list[int], layout: Layout, *, partly: bool) -> dict[str, Scores]:
    """Scores of every row, by its name; those of `NO_ENCODER` come first.

    Args:
        partly: a row whose metrics are missing or damaged has none, and says why.

    Raises:
        InputError: those of a row are (unless ``partly``), or those of a trivial predictor.
    """
    pairs = {name: read_references(layout.reference(name), table.columns_of(name)) for name in table.benchmarks}
    references = {row: {name: [pair[row]] for name, pair in pairs.items()} for row in NO_ENCODER}
    scores = {row: Scores(metrics, _undefined(table, metrics)) for row, metrics in references.items()}
    return scores | {row.name: _read_row(row, table, seeds, layout, partly) for row in table.rows}


def read_metrics(path: str | Path, columns: Iterable[Column]) -> dict[str, Any]:
    """A metrics.json, in which each of ``columns`` is a score, or null if the data can't give one.

    Raises:
        InputError: it is missing or damaged, lacks one of the columns, or holds what can't be a score of it.
    """
    return _checked(read_json(path, _REMEDY), path, columns)


def read_references(path: str | Path, columns: Iterable[Column]) -> dict[str, dict[str, Any]]:
    """A reference.json: `NO_ENCODER` -> metrics as those of `read_metrics`, with the same errors."""
    pair = read_json(path, _REMEDY)
    found = pair if isinstance(pair, dict) else {}
    keys = dict(zip(NO_ENCODER, ("trivial", "bound"), strict=True))
    return {row: _checked(found.get(key), path, columns) for row, key in keys.items()}


def _checked(metrics: Any, path: str | Path, columns: Iterable[Column]) -> dict[str, Any]:
    for column in columns:
        if not isinstance(metrics, dict) or column.metric not in metrics:
            raise InputError(f"{path}: holds no {column.metric}; remove it and {_REMEDY}")
        value = metrics[column.metric]
        if value is not None and (reason := why_no_score(column, value)):
            raise InputError(f"{path}: {reason}; remove it and {_REMEDY}")
    return metrics


def why_no_score(column: Column, value: Any) -> str:
    """Empty if ``value`` is a score of this metric: a finite number in the range of its unit; else the reason."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return f"{column.metric} is {value!r}, no number"
    low, high = _RANGES.get(column.unit, (-math.inf, math.inf))
    if not abs(value) <= sys.float_info.max or not low - _ROUNDING <= value <= high + _ROUNDING:
        return f"{column.metric} is {value!r}, not a finite number of {column.unit} from {low:g} to {high:g}"
    return ""


def _read_row(row: Row, table: Table, seeds: list[int], layout: Layout, partly: bool) -> Scores:
    if row.lacks:
        return Scores({benchmark: [None for _ in seeds] for benchmark in table.benchmarks}, (row.lacks,))
    metrics: dict[str, list[dict[str, Any] | None]] = {benchmark: [] for benchmark in table.benchmarks}
    missing = []
    for benchmark, runs in metrics.items():
        for seed in seeds:
            reason = why_missing(row, benchmark, table, seed, layout) if partly else None
            path = _folder(row, benchmark, seed, layout) / "metrics.json"
            runs.append(None if reason else read_metrics(path, table.columns_of(benchmark)))
            missing += [reason] if reason else []
    return Scores(metrics, (*missing, *_undefined(table, metrics)))


def _undefined(table: Table, metrics: dict[str, list[dict[str, Any] | None]]) -> tuple[str, ...]:
    undefined = (
        f"{column.name} is not defined on this test set"
        for column in table.columns
        if any(run is not None and run[column.metric] is None for run in metrics[column.benchmark])
    )
    return tuple(dict.fromkeys(undefined))


def why_missing(row: Row, benchmark: str, table: Table, seed: int, layout: Layout) -> str | None:
    """Why a run gives its row no scores: it is not finished, or its metrics are damaged. None if it gives some."""
    folder = _folder(row, benchmark, seed, layout)
    if unmade := _unfinished(folder, row.encoder, seed, layout):
        return f"{folder}: {_reason(unmade)}"
    try:
        read_metrics(folder / "metrics.json", table.columns_of(benchmark))
    except InputError as error:
        return str(error)
    return None


def _folder(row: Row, benchmark: str, seed: int, layout: Layout) -> Path:
    return Path(layout.benchmark(row.run(benchmark), row.encoder, seed))


def _unfinished(run: Path, encoder: str, seed: int, layout: Layout) -> Path | None:
    """The first unfinished folder of the encoders that lead to a fine-tuning and its own; None if all are finished.

    A fine-tuning whose encoder is gone is unfinished: its metrics are those of an earlier encoder.
    """
    encoders = [place for place, _ in reversed(encoder_chain(encoder, seed, layout))]
    stages = [*((place, place / "encoder.pt") for place in encoders), (run, run / "metrics.json")]
    return next((place for place, product in stages if not product.exists()), None)


def encoder_chain(encoder: str, seed: int, layout: Layout) -> list[tuple[Path, Any]]:
    """Folder and provenance of an encoder, of the one it started from, and so on to the first.

    Raises:
        InputError: a provenance is damaged, or leads back to an encoder before it.
    """
    chain: list[tuple[Path, Any]] = []
    row: str | None = encoder
    while row is not None:
        place = Path(layout.encoder(row, seed))
        if place in (other for other, _ in chain):
            raise InputError(f"{chain[-1][0]}/provenance.json: start: {row!r} leads back to itself; {_REMEDY} again")
        chain.append((place, provenance_of(place)))
        row = _start_of(*chain[-1])
    return chain


def _start_of(place: Path, provenance: Any) -> str | None:
    try:
        row = ((provenance or {}).get("recipe") or {}).get("start")
    except AttributeError:
        row = provenance
    if row is None or isinstance(row, str):
        return row
    raise InputError(f"{place}/provenance.json: damaged, {row!r} is where a recipe or its start is; {_REMEDY} again")


def provenance_of(folder: Path) -> Any:
    """What a stage wrote about itself; None if it did not finish."""
    path = folder / "provenance.json"
    return read_json(path, _REMEDY, finite=True) if path.exists() else None


def _reason(place: Path) -> str:
    """What the latest log of a stage that didn't finish ends with."""
    log = max(place.glob("*log.txt"), key=lambda log: log.stat().st_mtime, default=None)
    lines = log.read_text(errors="replace").splitlines() if log else []
    errors = [line.removeprefix("error: ").strip() for line in lines if line.startswith("error: ")]
    return f"{place} stopped: {errors[-1]}" if errors else f"{place} was not run to its end"
