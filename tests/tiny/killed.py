"""A chunk of generated data whose process is killed, as by a system that is short of memory."""

import os
import signal
from pathlib import Path
from typing import Any


def killed(root: Path, recipe: Any, chunk: tuple[int]) -> dict[str, Any]:
    """Never returns."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError
