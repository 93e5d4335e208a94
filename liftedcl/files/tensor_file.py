"""Files of tensors, written atomically and read without running code that they may contain."""

import pickle
import re
from pathlib import Path
from typing import Any

import torch

from liftedcl.files.atomic import atomic_path
from liftedcl.identity.errors import InputError


def save(value: Any, path: str | Path) -> None:
    """Write tensors in plain containers; if the disk is full, ``path`` keeps its old content."""
    with atomic_path(path) as part, part.open("wb") as file:
        try:
            torch.save(value, file)
        except RuntimeError as error:  # torch reports its unfinished archive and hides the full disk
            raise (error.__context__ if isinstance(error.__context__, OSError) else error) from None


def load(path: str | Path, device: torch.device | str = "cpu") -> Any:
    """Read a file of `save` or of any ``torch.save``: tensors and plain values only.

    Raises:
        InputError: the file is missing, truncated, or holds Python objects, which are never unpickled here.
    """
    try:
        return torch.load(path, map_location=device, weights_only=True)
    except FileNotFoundError:
        raise InputError(f"{path}: not found; make it with snakemake, or name another file") from None
    except pickle.UnpicklingError as error:
        if found := re.search(r"Unsupported (?:global|class): (?:GLOBAL )?([\w.]+)", str(error)):
            raise InputError(
                f"{path}: holds the Python object {found[1].rstrip('.')}, whose loading could run code; if you trust "
                "the file, save its tensors alone (without args or opt) with torch.save and take that file"
            ) from None
        reason = "no checkpoint, or one with Python objects in it, whose loading could run code"
    except Exception as error:  # for other files the kind of exception depends on the bytes
        reason = f"truncated, damaged or no checkpoint: {str(error).split('. ')[0] or type(error).__name__}"
    raise InputError(f"{path}: not a readable checkpoint ({reason}); make or get it again")
