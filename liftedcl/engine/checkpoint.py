"""The resume checkpoint of a run: one file, ``last.pt``, beside what the run will produce.

It is undeclared to Snakemake, which would delete it with the other outputs of a failed job, and is removed when the
run has succeeded. It is used only if the identity stored in it equals that of the run that finds it.
"""

from pathlib import Path
from typing import Any

import torch

from liftedcl.files import tensor_file
from liftedcl.identity.errors import InputError

_NAME = "last.pt"


def save(folder: Path, identity: dict[str, Any], state: dict[str, Any]) -> None:
    """Write ``last.pt`` atomically; a full disk leaves the previous one in place."""
    tensor_file.save({"identity": identity, "state": state}, folder / _NAME)


def load(folder: Path, identity: dict[str, Any], device: torch.device) -> dict[str, Any] | None:
    """The state stored in ``folder``, or None where there is none or it belongs to another run."""
    path = folder / _NAME
    if not path.exists():
        return None
    try:
        checkpoint = tensor_file.load(path, device)
    except InputError as error:
        print(f"{error}; starting over", flush=True)
        return None
    if not isinstance(checkpoint, dict) or checkpoint.keys() != {"identity", "state"}:
        print(f"{path}: no resume checkpoint; starting over", flush=True)
        return None
    if checkpoint["identity"] != identity:
        print(f"{path}: of another recipe, data or code, starting over", flush=True)
        return None
    return checkpoint["state"]


def discard(folder: Path) -> None:
    """Remove ``last.pt`` after the run's outputs are in place."""
    (folder / _NAME).unlink(missing_ok=True)
