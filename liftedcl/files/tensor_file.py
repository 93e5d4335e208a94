"""Files of tensors, written atomically, and read with their checksums and without running code that they may contain.

``torch.save`` writes a zip archive with a CRC-32 of each record, which ``torch.load`` doesn't look at.
"""

import os
import pickle
import re
import zipfile
from pathlib import Path
from typing import Any

import torch

from liftedcl.files.atomic import atomic_path, require_file
from liftedcl.identity.errors import InputError


def save(value: Any, path: str | Path) -> None:
    """Write tensors in plain containers; if the disk is full, ``path`` keeps its old content."""
    with atomic_path(path) as part:
        write(value, part)


def write(value: Any, part: Path) -> None:
    """Write what `load` reads to a path that nothing reads yet."""
    with part.open("wb") as file:
        try:
            torch.save(value, file)
        except RuntimeError as error:  # torch reports its unfinished archive and hides the full disk
            raise (error.__context__ if isinstance(error.__context__, OSError) else error) from None


def load(path: str | Path, device: torch.device | str = "cpu") -> Any:
    """Read a file of `save`, of any ``torch.save``, or a .safetensors: tensors and plain values only.

    Raises:
        InputError: the file is missing, truncated or damaged, or holds Python objects, which are never unpickled here.
    """
    require_file(path, "make it with snakemake, or name another file")
    try:
        reason = _damage(path)
        if reason is None:
            return torch.load(path, map_location=device, weights_only=True)
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


_OTHERS = {
    b"version https://git-lfs": "a pointer of Git LFS, and git lfs pull gets the file itself",
    b"<": "a web page, as a failed download leaves it",
}
"""What often stands in a checkpoint's place, by its beginning."""


def _damage(path: str | Path) -> str | None:
    """What is wrong with a file, as far as it shows before anything of it is loaded."""
    with open(path, "rb") as file:
        beginning = file.read(40).lstrip()
        if not beginning.startswith(b"PK\x03\x04"):
            return next((what for start, what in _OTHERS.items() if beginning.startswith(start)), None)
        with zipfile.ZipFile(file) as archive:
            records = archive.infolist()
            if any(record.filename.endswith("/constants.pkl") for record in records):
                return "a TorchScript archive, which is code; save the model's state_dict() with torch.save"
            if sum(record.file_size for record in records) > os.path.getsize(path):
                return "its records are larger than the file, which torch.save never does"
            # torch can leave out the checksums; then all are 0
            wrong = archive.testzip() if any(record.CRC for record in records) else None
            return f"damaged: the checksum of its record {wrong} differs" if wrong else None
