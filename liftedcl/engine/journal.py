"""What a training run tells while it works: a progress line every few seconds and a history file, one row an epoch."""

import csv
import time
from collections import Counter, deque
from collections.abc import Mapping
from pathlib import Path

from liftedcl.files.atomic import atomic_path
from liftedcl.identity.errors import InputError

_SECONDS_BETWEEN_LINES = 10.0
_LINES_OF_RATE = 6
"""The rate is that of about the last minute: neither a slow start nor a pause long ago distorts the time left."""


class Journal:
    """Progress lines on stdout, flushed, one whole line each: they stay readable in a log and between parallel jobs."""

    def __init__(self, name: str, *, steps: int, images_per_step: int, first_step: int):
        self._name, self._steps, self._images_per_step = name, steps, images_per_step
        self._moments = deque([(time.monotonic(), first_step)], maxlen=_LINES_OF_RATE + 1)

    def due(self) -> bool:
        """Whether the next line is due."""
        return time.monotonic() - self._moments[-1][0] >= _SECONDS_BETWEEN_LINES

    def line(self, step: int, terms: Mapping[str, float]) -> None:
        """Print where the run is after ``step`` steps, its loss terms, images a second and the time left."""
        self._moments.append((time.monotonic(), step))
        (then, step_then), (now, _) = self._moments[0], self._moments[-1]
        parts = [f"{step:{len(str(self._steps))}}/{self._steps} steps"]
        parts += [f"{name} {value:.4g}" for name, value in zip(short_names(terms), terms.values(), strict=True)]
        if now > then and step > step_then:
            steps_per_second = (step - step_then) / (now - then)
            images_per_second = self._images_per_step * steps_per_second
            parts.append(f"{images_per_second:.{0 if images_per_second >= 10 else 1}f} images/s")
            parts.append(f"{clock((self._steps - step) / steps_per_second)} left")
        print(f"[{self._name}] " + "  ".join(parts), flush=True)


def short_names(names: Mapping[str, object]) -> list[str]:
    """'player/term' without its player, where no other player has a term of that name."""
    counts = Counter(name.rpartition("/")[2] for name in names)
    return [short if counts[short := name.rpartition("/")[2]] == 1 else name for name in names]


def clock(seconds: float) -> str:
    """Seconds as m:ss, or h:mm:ss from one hour on."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"


def write_history(path: Path, rows: list[dict[str, float]]) -> None:
    """Write ``history.csv`` (epoch, step, the mean of each loss term over the epoch, ...), atomically."""
    with atomic_path(path) as part, part.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def read_history(path: Path) -> list[dict[str, float]]:
    """Read what `write_history` wrote: one row an epoch, ``step`` rising.

    Raises:
        InputError: missing, cut off, or not a history.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            header, *lines = list(csv.reader(file))
        rows = [{name: float(cell) for name, cell in zip(header, line, strict=True)} for line in lines]
        steps = [row["step"] for row in rows]
    except FileNotFoundError:
        raise InputError(f"{path}: not found; train the run it belongs to") from None
    except (ValueError, KeyError, csv.Error) as error:
        reason = "no column 'step'" if isinstance(error, KeyError) else error
    else:
        if steps and steps == sorted(set(steps)) and all(step.is_integer() for step in steps):
            return rows
        reason = "its steps don't rise from row to row" if steps else "it has no rows"
    raise InputError(f"{path}: not a history of a training run ({reason}); remove it and train that run again")
