"""What a score was made from: its runs from the fine-tuning back to the first encoder, and its scores."""

import dataclasses
import re
from pathlib import Path
from typing import Any

from liftedcl.files.atomic import read_json
from liftedcl.identity.errors import InputError
from workflow.layout import Layout
from workflow.snakemake_internals import Records
from workflow.tables.made_table import read_made_table
from workflow.tables.recorded_runs import REMEDY, damage_named, stages
from workflow.tables.stored_scores import NO_ENCODER, encoder_chain

_LISTING = re.compile(r"[\w.]+=[0-9a-f]{8}(?: [\w.]+=[0-9a-f]{8})*")
_PRODUCTS = ("encoder.pt", "trained.pt")


@dataclasses.dataclass(frozen=True)
class Stage:
    """One training: its folder and what it recorded about itself, None if it didn't end."""

    run: str
    record: dict[str, Any] | None

    def modules(self) -> dict[str, str]:
        """Module -> digest of its code, by Snakemake's record of the run; empty where there is none."""
        for product in _PRODUCTS:
            found = Records(Path()).read(f"{self.run}/{product}")
            for text in (found.params or []) if found is not None else []:
                if _LISTING.fullmatch(listing := str(text).strip("'\"")):
                    return dict(item.split("=") for item in listing.split())
        return {}


@dataclasses.dataclass(frozen=True)
class Chain:
    """A side of a comparison: its name, its scores by column or metric, and its trainings by what they are."""

    name: str
    scores: dict[str, float]
    stages: dict[str, Stage]


def chain_of_row(table: Path, row: str, column: str | None) -> Chain:
    """A row of a table, or one cell of it; of several seeds, the trainings of the first.

    Raises:
        InputError: the table is missing or damaged, or has no such row or column.
    """
    made = read_made_table(table)
    cells = {record["row"]: record for record in made.records}
    rows = [name for name in cells if name not in NO_ENCODER]
    if row not in rows:
        raise InputError(f"{table}: no row {row!r}; there are {', '.join(rows)}")
    columns = [of for of in made.columns if column in (None, of.key, of.name)]
    if not columns:
        raise InputError(f"{table}: no column {column!r}; there are {', '.join(of.name for of in made.columns)}")
    scores = {f"{of.name} ({of.unit})": cells[row][of.key] for of in columns if cells[row][of.key] != ""}
    found: dict[str, Stage] = {}
    with damage_named(table.with_suffix(".provenance.json")):
        for benchmark in sorted({of.benchmark for of in columns}):
            first, *encoders = (Stage(*stage[1:]) for stage in stages(made.provenance["rows"][row][benchmark][0]))
            found |= {f"fine-tuning on {benchmark}": first} | _numbered(encoders)
    return Chain(f"{table}, {row}", scores, found)


def chain_of_run(folder: Path) -> Chain:
    """A run's folder, of a fine-tuning or of an encoder.

    Raises:
        InputError: it holds no record of a run, or a damaged one.
    """
    *above, kind, row, seed = ("", "", "", *folder.parts)
    number = seed.removeprefix("seed")
    if len(folder.parts) < 3 or not number.isdecimal():
        raise InputError(f"{folder}: is no run's folder, such as runs/demo/h36m_3d/random/seed0")
    layout = Layout(str(Path(*above)))
    encoders = [Stage(str(place), record) for place, record in encoder_chain(row, int(number), layout)]
    if kind == "encoders":
        return Chain(str(folder), {}, _numbered(encoders))
    metrics = read_json(folder / "metrics.json", "name a run that was scored")
    record = read_json(folder / "provenance.json", REMEDY, finite=True)
    for path, content in (("metrics", metrics), ("provenance", record)):
        if not isinstance(content, dict):
            raise InputError(f"{folder}/{path}.json: holds no record of a run; {REMEDY}")
    scores = {key: value for key, value in metrics.items() if isinstance(value, int | float)}
    return Chain(str(folder), scores, {f"fine-tuning on {kind}": Stage(str(folder), record)} | _numbered(encoders))


def _numbered(encoders: list[Stage]) -> dict[str, Stage]:
    """Encoders from the one that is judged back to the first, by their place before the fine-tuning."""
    names = ("the encoder", "the encoder that it starts from")
    return {names[i] if i < 2 else f"{names[1]}, {i} steps before": stage for i, stage in enumerate(encoders)}
