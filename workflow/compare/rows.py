"""Two rows or cells of tables: by how much their scores differ, and what does along the trainings behind them."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from liftedcl.identity.errors import InputError
from workflow.snakemake_internals import Records
from workflow.tables.made_table import read_made_table
from workflow.tables.recorded_runs import damage_named, stages
from workflow.tables.stored_scores import NO_ENCODER
from workflow.why.changed_parameters import code_words, differing, modules_in

_MAPPINGS = ("inputs", "recipe", "packages", "hardware")
"""Of a training's record."""


@dataclasses.dataclass(frozen=True)
class Side:
    """A row of a table, or one cell of it.

    Attributes:
        scores: by the column's name.
        trainings: folder and record by what the training is; None in place of a record if it didn't end.
    """

    name: str
    scores: dict[str, float]
    trainings: dict[str, tuple[str, dict[str, Any] | None]]


def read_side(table: Path, row: str, column: str | None) -> Side:
    """A row, or its cell in ``column``; of several seeds, the trainings of the first.

    Raises:
        InputError: the table is missing or damaged, or has no such row or column.
    """
    made = read_made_table(table)
    record, columns = made.record(row), (made.column(column),) if column else made.columns
    if row in NO_ENCODER:
        raise InputError(f"{table}: {row} has no encoder, so it has no trainings to compare; name another row")
    scores = {f"{of.name} ({of.unit})": record[of.key] for of in columns if record[of.key] != ""}
    trainings = {}
    with damage_named(table.with_suffix(".provenance.json")):
        for benchmark in sorted({of.benchmark for of in columns}):
            for back, (kind, run, about) in enumerate(stages(made.provenance["rows"][row][benchmark][0])):
                before = f", {back - 1} before it" if back > 1 else ""
                name = f"the encoder{before}" if kind == "encoder" else f"fine-tuning on {benchmark}"
                trainings[name] = run, about and about | {key: dict(about.get(key) or {}) for key in _MAPPINGS}
    return Side(f"{table}, {row}", scores, trainings)


def compare(first: Side, second: Side) -> Iterator[str]:
    """Lines: the scores, and for each training of the two chains what differs."""
    yield f"A: {first.name}"
    yield f"B: {second.name}"
    for name in [name for name in first.scores if name in second.scores]:
        ours, theirs = first.scores[name], second.scores[name]
        yield f"  {name}: {ours:.4g} -> {theirs:.4g} ({theirs - ours:+.3g})"
    for name in dict.fromkeys([*first.trainings, *second.trainings]):
        there = {side: of.trainings[name] for side, of in (("A", first), ("B", second)) if name in of.trainings}
        runs = " | ".join(dict.fromkeys(run for run, _ in there.values()))
        if len(there) == 1:
            yield f"{name}: only {''.join(there)} has one, {runs}"
        else:
            yield f"{name}: {runs}"
            yield from (f"  {line}" for line in _training(*there.values()))


def _training(first: tuple[str, Any], second: tuple[str, Any]) -> Iterator[str]:
    (run, ours), (other_run, theirs) = first, second
    if ours is None or theirs is None:
        yield "not run to its end"
        return
    yield f"inputs: {code_words(ours['inputs'], theirs['inputs'])}"
    for key in _MAPPINGS[1:]:
        yield f"{key}: {differing(ours[key], theirs[key])}"
    if ours.get("code") == theirs.get("code"):
        yield "code: the same"
    else:
        before, now = _modules(run), _modules(other_run)
        yield f"code: {code_words(before, now) if before and now else 'differs; its modules are not recorded here'}"
    for key in ("seed", "commit", "wall_seconds"):
        if ours.get(key) != theirs.get(key):
            yield f"{key}: {ours.get(key)} -> {theirs.get(key)}"


def _modules(run: str) -> dict[str, str]:
    """Module -> digest of a run's code, by Snakemake's record of it; empty where there is none."""
    found = [Records(Path()).read(f"{run}/{product}") for product in ("encoder.pt", "trained.pt")]
    texts = [str(text).strip("'\"") for record in found if record is not None for text in record.params or ()]
    return next(filter(None, map(modules_in, texts)), {})
