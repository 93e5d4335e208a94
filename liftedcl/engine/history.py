"""The history of a training run, ``history.csv``: one line per epoch."""

import csv
from pathlib import Path

from liftedcl.files.atomic import atomic_path, require_file
from liftedcl.identity.errors import InputError


def write_history(path: Path, rows: list[dict[str, float]]) -> None:
    """Write ``history.csv`` (epoch, step, the mean of each loss term over the epoch, ...), atomically."""
    with atomic_path(path) as part, part.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def read_history(path: Path) -> list[dict[str, float]]:
    """Read what `write_history` wrote: one line per epoch, with rising ``step``.

    Raises:
        InputError: the file is missing, cut off, or not a history.
    """
    require_file(path, "train the run it belongs to")
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            header, *lines = list(csv.reader(file))
        rows = [{name: float(cell) for name, cell in zip(header, line, strict=True)} for line in lines]
        steps = [row["step"] for row in rows]
    except (ValueError, KeyError, csv.Error) as error:
        reason = "no column 'step'" if isinstance(error, KeyError) else error
    else:
        if steps and steps == sorted(set(steps)) and all(step.is_integer() and 0 <= step < 2**53 for step in steps):
            return rows
        reason = "its steps aren't counts that rise from row to row" if steps else "it has no rows"
    raise InputError(f"{path}: not a history of a training run ({reason}); remove it and train that run again")
