"""The resume checkpoint of a run: ``last.pt`` in the run's folder.

It is not declared to Snakemake, which would delete it with the outputs of a failed job, and is removed when the run has
succeeded. A run uses it only if the identity stored in it equals its own.
"""

from pathlib import Path
from typing import Any

import torch

from liftedcl.files import tensor_file
from liftedcl.identity.errors import InputError

_NAME = "last.pt"


def save(folder: Path, identity: dict[str, Any], state: dict[str, Any]) -> None:
    """Write ``last.pt``, atomically; if the disk is full, the previous one stays."""
    tensor_file.save({"identity": identity, "state": state}, folder / _NAME)


def load(folder: Path, identity: dict[str, Any], device: torch.device) -> dict[str, Any] | None:
    """The state stored in ``folder``, or None if there is none or it belongs to another run."""
    path = folder / _NAME
    if not path.exists():
        return None
    try:
        checkpoint = tensor_file.load(path, device)
    except InputError as error:
        print(f"{error}; starting over", flush=True)
        return None
    if not isinstance(checkpoint, dict) or checkpoint.keys() != {"identity", "state"}:
        print(f"{path}: not a resume checkpoint; starting over", flush=True)
        return None
    if checkpoint["identity"] != identity:
        print(f"{path}: belongs to another recipe, data or code; starting over", flush=True)
        return None
    return checkpoint["state"]


def discard(folder: Path) -> None:
    """Remove ``last.pt``, when the run's outputs are in place."""
    (folder / _NAME).unlink(missing_ok=True)
