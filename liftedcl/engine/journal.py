"""Progress lines of a training run, one every few seconds."""

import time
from collections import Counter, deque
from collections.abc import Mapping

_SECONDS_BETWEEN_LINES = 10.0
_LINES_OF_RATE = 6
"""The rate is that of about the last minute, so a slow start or an old pause doesn't distort the time left."""


class Journal:
    """Prints whole, flushed lines on stdout, which stay readable in a log and between parallel jobs.

    Attributes:
        images_per_step: of the current epoch; an epoch with batches of another size sets it.
    """

    def __init__(self, name: str, *, steps: int, images_per_step: int, first_step: int):
        self._name, self._steps, self.images_per_step = name, steps, images_per_step
        self._moments = deque([(time.monotonic(), first_step)], maxlen=_LINES_OF_RATE + 1)

    def due(self) -> bool:
        """Whether the next line is due."""
        return time.monotonic() - self._moments[-1][0] >= _SECONDS_BETWEEN_LINES

    def line(self, step: int, terms: Mapping[str, float]) -> None:
        """Print the progress after ``step`` steps, the loss terms, images per second and the time left."""
        self._moments.append((time.monotonic(), step))
        (then, step_then), (now, _) = self._moments[0], self._moments[-1]
        parts = [f"{step:{len(str(self._steps))}}/{self._steps} steps"]
        parts += [f"{name} {value:.4g}" for name, value in zip(short_names(terms), terms.values(), strict=True)]
        if now > then and step > step_then:
            steps_per_second = (step - step_then) / (now - then)
            images_per_second = self.images_per_step * steps_per_second
            parts.append(f"{images_per_second:.{0 if images_per_second >= 10 else 1}f} images/s")
            parts.append(f"{clock((self._steps - step) / steps_per_second)} left")
        print(f"[{self._name}] " + "  ".join(parts), flush=True)


def short_names(names: Mapping[str, object]) -> list[str]:
    """Names 'player/term' without the player, unless another player has a term of that name."""
    counts = Counter(name.rpartition("/")[2] for name in names)
    return [short if counts[short := name.rpartition("/")[2]] == 1 else name for name in names]


def clock(seconds: float) -> str:
    """Seconds as m:ss, or h:mm:ss from one hour on."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"
