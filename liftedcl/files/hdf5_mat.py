"""Matlab files of version 7.3, which are HDF5: cell arrays of matrices. Matlab's axes are in reverse order there.

Nothing in such a file is executed, and nothing outside of it is read: links and data in other files are refused, and so
are filters that h5py would load from elsewhere.
"""

import io
from collections.abc import Sequence
from pathlib import Path

import h5py
import numpy as np

from liftedcl.files.atomic import atomic_path
from liftedcl.files.rehearsal import rehearse
from liftedcl.identity.errors import InputError

_HEADER = b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM"
_USER_BLOCK = 512
"""Bytes before the HDF5 file itself; Matlab's header is in them."""
_MOST = 8192
"""Largest side of a matrix."""
_FILTERS = (None, "gzip")


class _UnfitError(Exception):
    """What is wrong with the file, in a few words."""


def write_cells(path: Path, name: str, matrices: Sequence[np.ndarray]) -> None:
    """Write ``matrices``, 2D, as the cell array ``name`` (1, N), atomically. Equal matrices give equal bytes."""
    buffer = io.BytesIO()
    with h5py.File(buffer, "w", userblock_size=_USER_BLOCK, libver="earliest") as file:
        cells = file.create_dataset(name, (len(matrices), 1), dtype=h5py.ref_dtype)
        cells.attrs["MATLAB_class"] = np.bytes_("cell")
        references = file.create_group("#refs#")
        for n, matrix in enumerate(matrices):
            stored = references.create_dataset(f"c{n}", data=matrix.T, compression="gzip")
            stored.attrs["MATLAB_class"] = np.bytes_(str(matrix.dtype))
            cells[n, 0] = stored.ref
    with atomic_path(path) as part:
        part.write_bytes(_HEADER + buffer.getvalue()[len(_HEADER) :])


def read_cells(path: Path, name: str, chosen: slice, remedy: str) -> tuple[list[np.ndarray], int]:
    """Read some matrices of a cell array, in Matlab's order of axes.

    Args:
        name: of the cell array.
        chosen: which of its N cells.

    Returns:
        The matrices, as they are stored, and N.

    Raises:
        InputError: the file is missing, damaged or no HDF5 file, has no such cell array, or cells that are no matrices
            of numbers.
    """

    def read() -> tuple[list[np.ndarray], int]:
        with h5py.File(path, "r") as file:
            references = _own_dataset(file, name)
            if references.dtype != h5py.ref_dtype or references.ndim != 2 or 1 not in references.shape:
                raise _UnfitError(f"{name} is no row of cells")
            whole = references[()].ravel()
            return [_matrix(file, reference, name) for reference in whole[chosen]], len(whole)

    rehearse(read, path, remedy)  # the HDF5 library follows forged sizes and types
    try:
        return read()
    except Exception as error:  # a damaged file can end in nearly any of them
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise InputError(
            f"{path}: not a Matlab file of version 7.3 as expected ({reason}), or damaged; {remedy}"
        ) from None


def _own_dataset(file: h5py.File, name: str) -> h5py.Dataset:
    """The data set ``name``, which has to be in the file itself."""
    if name not in file or not isinstance(file.get(name, getlink=True), h5py.HardLink):
        raise _UnfitError(f"it has no variable {name}")
    return _checked(file[name], name)


def _matrix(file: h5py.File, reference: h5py.Reference, name: str) -> np.ndarray:
    if not reference:
        raise _UnfitError(f"a cell of {name} is empty")
    stored = _checked(file[reference], f"a cell of {name}")
    if stored.ndim != 2 or stored.dtype.kind not in "biuf" or not all(0 < side <= _MOST for side in stored.shape):
        raise _UnfitError(f"a cell of {name} is {stored.dtype} of shape {stored.shape}, not a matrix of numbers")
    return stored[()].T


def _checked(stored: object, what: str) -> h5py.Dataset:
    """Refuse what is no array in this file, before anything is allocated for it."""
    if not isinstance(stored, h5py.Dataset) or stored.shape is None:
        raise _UnfitError(f"{what} is no array")
    if stored.is_virtual or stored.external or stored.compression not in _FILTERS:
        raise _UnfitError(f"{what} is stored in another file, or with a filter of its own")
    return stored
