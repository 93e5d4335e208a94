"""Work that is cut short: a run right after it has written a checkpoint, a process by a signal."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from liftedcl.engine import checkpoint, loop


@contextmanager
def stopped_at_save(number: int) -> Iterator[None]:
    """In here a run saves after every step, and has to stop at its save ``number``."""
    save, left = checkpoint.save, [number]

    def save_then_die(*given: object) -> None:
        save(*given)
        left[0] -= 1
        if left[0] == 0:
            raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(loop, "_SECONDS_BETWEEN_CHECKPOINTS", 0.0)
        patch.setattr(checkpoint, "save", save_then_die)
        yield


def killed(root: Path, recipe: Any, chunk: tuple[int]) -> dict[str, Any]:
    """A chunk of generated data whose process is killed, as by a system short of memory. Never returns."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError
