"""A run that is stopped right after it has written a checkpoint."""

from collections.abc import Iterator
from contextlib import contextmanager

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
