"""Matlab files (version 5 to 7.2), the format of MPII's annotations and predictions."""

import io
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from scipy.io import loadmat, savemat
from scipy.io.matlab import MatReadError

from liftedcl.files.atomic import atomic_path
from liftedcl.identity.errors import InputError

_HEADER_TEXT = 116  # bytes


def write_mat(path: str | Path, variables: Mapping[str, np.ndarray]) -> None:
    """Write named arrays, atomically. Equal arrays give equal bytes, since the header holds no date."""
    buffer = io.BytesIO()
    savemat(buffer, dict(variables), do_compression=True)
    with atomic_path(path) as part:
        part.write_bytes(b"MATLAB 5.0 MAT-file".ljust(_HEADER_TEXT) + buffer.getvalue()[_HEADER_TEXT:])


def read_mat(path: str | Path, names: tuple[str, ...], remedy: str, *, structs: bool = False) -> dict[str, Any]:
    """Read the variables ``names`` of a file. Nothing in such a file is ever executed.

    For nested annotations, ``structs`` gives structs as objects with attributes and drops axes of length 1.

    Raises:
        InputError: the file is missing, damaged, of version 7.3, or lacks one of ``names``; it ends with ``remedy``.
    """
    try:
        data = io.BytesIO(Path(path).read_bytes())
    except FileNotFoundError:
        raise InputError(f"{path}: not found; {remedy}") from None
    try:
        found = loadmat(data, variable_names=names, struct_as_record=not structs, squeeze_me=structs)
    except NotImplementedError:
        raise InputError(f"{path}: is of Matlab's version 7.3; save it again with save('-v7')") from None
    except (MatReadError, ValueError, TypeError, KeyError, IndexError, OSError, MemoryError, zlib.error) as error:
        raise InputError(f"{path}: not a Matlab file ({error}), truncated or damaged; {remedy}") from None
    for name in names:
        if name not in found:
            raise InputError(f"{path}: has no variable {name}; {remedy}")
    return found
