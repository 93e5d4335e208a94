"""The resume checkpoints of a run: ``last.pt`` in the run's folder, and the one before, in case the last is damaged.

They are not declared to Snakemake, which would delete them with the outputs of a failed job, and are removed when the
run has succeeded. A run uses one only if the identity stored in it equals its own.
"""

import contextlib
import os
from pathlib import Path
from typing import Any

import torch

from liftedcl.files import tensor_file
from liftedcl.files.atomic import atomic_path
from liftedcl.identity.errors import InputError

_LAST, _BEFORE = "last.pt", "last_but_one.pt"


def save(folder: Path, identity: dict[str, Any], state: dict[str, Any]) -> None:
    """Write ``last.pt``, atomically, and keep the one before; if the disk is full, both stay as they are."""
    last, before = folder / _LAST, folder / _BEFORE
    with atomic_path(last) as part:
        tensor_file.write({"identity": identity, "state": state}, part)
        with contextlib.suppress(OSError):  # there is none yet, or the file system has no hard links
            before.unlink(missing_ok=True)
            os.link(last, before)


def load(folder: Path, identity: dict[str, Any], device: torch.device) -> dict[str, Any] | None:
    """The newest usable state stored in ``folder``, or None if there is none or it belongs to another run."""
    found = [folder / name for name in (_LAST, _BEFORE) if (folder / name).exists()]
    for number, path in enumerate(found, start=1):
        problem, state = _read(path, identity, device)
        if problem is None:
            return state
        print(f"{problem}; {'taking the one before' if number < len(found) else 'starting over'}", flush=True)
    return None


def _read(path: Path, identity: dict[str, Any], device: torch.device) -> tuple[str | None, dict[str, Any]]:
    """What is wrong with a checkpoint, and its state if nothing is."""
    try:
        checkpoint = tensor_file.load(path, device)
    except InputError as error:
        return str(error), {}
    if not isinstance(checkpoint, dict) or checkpoint.keys() != {"identity", "state"}:
        return f"{path}: not a resume checkpoint", {}
    if checkpoint["identity"] != identity:
        return f"{path}: belongs to another recipe, data or code", {}
    return None, checkpoint["state"]


def discard(folder: Path) -> None:
    """Remove the checkpoints, when the run's outputs are in place."""
    for name in (_LAST, _BEFORE):
        (folder / name).unlink(missing_ok=True)
