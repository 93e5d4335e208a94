"""A table as it was computed, or as it is read from its csv and .provenance.json. No torch, no pandas."""

import csv
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from liftedcl.files.atomic import atomic_path
from liftedcl.identity.errors import InputError
from workflow.tables.csv_columns import TEXTS, numbers
from workflow.tables.recorded_runs import REMEDY, RecordedRun, commit_in, read_provenance, runs_of
from workflow.tables.stored_scores import NO_ENCODER
from workflow.tables.table_spec import Column

_FORMULA = re.compile(r"[=+@\t\r-].", re.DOTALL)


@dataclass(frozen=True)
class MadeTable:
    """One table.

    Attributes:
        csv: the file; its other forms are beside it.
        columns: metrics.
        records: lines of the csv by column, those of `stored_scores.NO_ENCODER` first; numbers are floats, or "" if
            missing.
        settings: columns that say how the scores were taken.
        runs: row, benchmark and run, as `recorded_runs.runs_of` gives them.
        differences: the paper's and ours, as `computed_table` gives them.
        baseline: name of the row that the others are compared with.
        commit: of the code that made the table.
        published: what a paper states of its own runs; "" for most tables.
        provenance: all of the .provenance.json.
    """

    csv: Path
    title: str
    profile: str
    seeds: tuple[int, ...]
    columns: tuple[Column, ...]
    records: tuple[dict[str, Any], ...]
    settings: tuple[str, ...]
    runs: tuple[tuple[str, str, RecordedRun], ...]
    differences: tuple[dict[str, Any], ...]
    baseline: str
    commit: str | None
    provenance: dict[str, Any]
    published: str = ""

    @property
    def name(self) -> str:
        return self.csv.stem

    def record(self, row: str) -> dict[str, Any]:
        """The line of a row. Raises `InputError` if there is none."""
        found = {record["row"]: record for record in self.records}
        if row not in found:
            raise InputError(f"{self.csv}: no row {row!r}; there are {', '.join(found)}")
        return found[row]

    def column(self, name: str) -> Column:
        """The column with this key or name. Raises `InputError` if there is none."""
        found = {name: column for column in self.columns for name in (column.key, column.name)}
        if name not in found:
            raise InputError(f"{self.csv}: no column {name!r}; there are {', '.join(found)}")
        return found[name]


def read_made_table(path: Path) -> MadeTable:
    """Read ``path``, the csv, and the provenance beside it.

    Raises:
        InputError: one of the two is missing or damaged, or they belong to different tables.
    """
    source = path.with_suffix(".provenance.json")
    provenance = read_provenance(source)
    try:
        columns = [Column(key=key, **of) for key, of in provenance["columns"].items()]
        rows, said = {*NO_ENCODER, *provenance["rows"]}, said_of(provenance)
        if said["baseline"] not in rows:
            raise ValueError(f"no row {said['baseline']}")
    except (InputError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"{source}: its columns, seeds or rows are damaged ({error!r}); {REMEDY}") from None
    head, records = _read_csv(path, columns)
    if {(record["row"], record["profile"]) for record in records} != {(row, said["profile"]) for row in rows}:
        raise InputError(f"{path}: its rows or profile are not those of {source.name}; {REMEDY}")
    return MadeTable(
        csv=path,
        columns=tuple(sorted(columns, key=lambda column: head.index(column.key))),  # JSON has sorted its keys
        records=tuple(records),
        settings=tuple(key for key in head if key not in (*numbers(column.key for column in columns), *TEXTS)),
        runs=tuple(runs_of(source, provenance)),
        **said,
    )


def said_of(provenance: dict[str, Any]) -> dict[str, Any]:
    """The fields of a `MadeTable` that its provenance gives as they are."""
    return {
        "provenance": provenance,
        "title": str(provenance["title"]),
        "profile": provenance["profile"],
        "seeds": tuple(map(int, provenance["seeds"])),
        "differences": tuple(map(dict, provenance["differences"])),
        "baseline": provenance["baseline"],
        "commit": commit_in(provenance["table_made_with"]),
        "published": str(provenance.get("published", "")),
    }


def _read_csv(path: Path, columns: list[Column]) -> tuple[list[str], list[dict[str, Any]]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            head, *lines = list(csv.reader(file, strict=True))
        records: list[dict[str, Any]] = [dict(zip(head, line, strict=True)) for line in lines]
        for record in records:
            record |= {
                key: _finite(record[key]) if record[key] else "" for key in numbers(column.key for column in columns)
            }
            record |= {key: record[key] for key in TEXTS}
            record |= {key: _as_it_was(value) for key, value in record.items()}
    except FileNotFoundError:
        raise InputError(f"{path}: not found, but its provenance is there; {REMEDY}") from None
    except (KeyError, ValueError, csv.Error) as error:
        raise InputError(f"{path}: not a table of this project, or damaged ({error}); {REMEDY}") from None
    return head, records


def _finite(text: str) -> float:
    if not math.isfinite(float(text)):
        raise ValueError(f"{text} is no score")
    return float(text)


def _inert(value: Any) -> Any:
    """A text that a spreadsheet would take as a formula, behind an apostrophe; any other value as it is."""
    return f"'{value}" if isinstance(value, str) and _FORMULA.match(value) else value


def _as_it_was(value: Any) -> Any:
    return value[1:] if isinstance(value, str) and value[:1] == "'" and _FORMULA.match(value[1:]) else value


def write_csv(path: Path, records: list[dict[str, Any]]) -> None:
    """Write ``records``, which have the same keys, whole or not at all. No text in it is a formula."""
    import pandas as pd  # slow to import, and not needed to plan or to print --help

    with atomic_path(path) as part:
        inert = [{key: _inert(value) for key, value in record.items()} for record in records]
        pd.DataFrame(inert).to_csv(part, index=False, lineterminator="\n")
