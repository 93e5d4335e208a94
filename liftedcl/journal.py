"""What a training run tells while it works: a progress line every few seconds and a history file, one row an epoch."""

import csv
import time
from collections.abc import Mapping
from pathlib import Path

from liftedcl.files import atomic_path

_SECONDS_BETWEEN_LINES = 10.0


class Journal:
    """Progress lines on stdout, flushed, one whole line each: they stay readable in a log and between parallel jobs."""

    def __init__(self, name: str, *, steps: int, images_per_step: int, first_step: int):
        self._name, self._steps, self._images_per_step = name, steps, images_per_step
        self._first_step, self._started, self._last = first_step, time.monotonic(), time.monotonic()

    def due(self) -> bool:
        """Whether the next line is due."""
        return time.monotonic() - self._last >= _SECONDS_BETWEEN_LINES

    def line(self, step: int, terms: Mapping[str, float]) -> None:
        """Print where the run is after ``step`` steps, its loss terms, images a second and the time left."""
        self._last = time.monotonic()
        seconds_per_step = (self._last - self._started) / max(step - self._first_step, 1)
        left = round(seconds_per_step * (self._steps - step))
        losses = "  ".join(f"{name} {value:.4g}" for name, value in terms.items())
        print(
            f"[{self._name}] {step}/{self._steps} steps  {losses}  "
            f"{self._images_per_step / seconds_per_step:.0f} images/s  {left // 60}:{left % 60:02d} left",
            flush=True,
        )


def write_history(path: Path, rows: list[dict[str, float]]) -> None:
    """Write ``history.csv`` (epoch, step, the mean of each loss term over the epoch), atomically."""
    with atomic_path(path) as part, part.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
