"""Matlab files (version 5 to 7.2), the format of MPII's annotations and predictions."""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from scipy.io import loadmat, savemat, whosmat

from liftedcl.files.atomic import atomic_path, require_file
from liftedcl.files.rehearsal import rehearse
from liftedcl.identity.errors import InputError

_HEADER_TEXT = 116  # bytes
_HDF5 = b"\x89HDF\r\n\x1a\n"
"""How HDF5 files begin, in Matlab's after 512 bytes."""


def write_mat(path: str | Path, variables: Mapping[str, np.ndarray]) -> None:
    """Write named arrays, atomically. Equal arrays give equal bytes, since the header holds no date."""
    buffer = io.BytesIO()
    savemat(buffer, dict(variables), do_compression=True)
    with atomic_path(path) as part:
        part.write_bytes(b"MATLAB 5.0 MAT-file".ljust(_HEADER_TEXT) + buffer.getvalue()[_HEADER_TEXT:])


def read_mat(path: str | Path, names: tuple[str, ...], remedy: str, *, structs: bool = False) -> dict[str, Any]:
    """Read the variables ``names`` of a file. Nothing in such a file is ever executed.

    Matlab's logical arrays are bool. For nested annotations, ``structs`` gives structs as objects with attributes and
    drops axes of length 1.

    Raises:
        InputError: the file is missing, damaged, of version 7.3, or lacks one of ``names``; it ends with ``remedy``.
    """
    require_file(path, remedy)
    data = Path(path).read_bytes()
    if any(data[at : at + len(_HDF5)] == _HDF5 for at in (0, 512)):
        raise InputError(
            f"{path}: is HDF5, as Matlab's version 7.3 writes; save it again with save(..., '-v7'), or in Python read "
            "it with h5py (whose axes are in reverse order) and write it with scipy.io.savemat"
        )

    def read() -> dict[str, Any]:
        found = loadmat(io.BytesIO(data), variable_names=names, struct_as_record=not structs, squeeze_me=structs)
        truths = {name for name, _, kind in whosmat(io.BytesIO(data)) if kind == "logical"}  # loadmat makes them uint8
        return found | {name: found[name].astype(bool) for name in truths & found.keys()}

    rehearse(read, path, remedy)  # scipy follows forged sizes and types, which ends in a segmentation fault
    try:
        found = read()
    except Exception as error:  # a damaged file can end in nearly any of them
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise InputError(f"{path}: not a Matlab file ({reason}), truncated or damaged; {remedy}") from None
    for name in names:
        if name not in found:
            raise InputError(f"{path}: has no variable {name}; {remedy}")
    return found
