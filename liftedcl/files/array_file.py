"""Reading .npy and .npz files: plain arrays only, of the size that the file has, and an error says what is wrong.

numpy allocates what a header claims before it reads, so a header is compared with its file first. Nothing is unpickled.
"""

import hashlib
import io
import math
import os
import zipfile
from pathlib import Path
from typing import IO

import numpy as np

from liftedcl.files.atomic import atomic_path, require_file
from liftedcl.identity.errors import InputError

_VERSION = (1, 0)
"""Of every plain array's file. Another one is for headers beyond 64 kB, and numpy takes their length from the file."""

_ALWAYS_TAKEN, _LARGEST_RATIO = 2**28, 100
"""An array in an npz may unpack to so many bytes, and beyond that to so many times its packed size."""


def write_array(path: str | Path, array: np.ndarray) -> None:
    """Write a .npy, atomically, with its SHA-256 behind the array, where numpy doesn't look."""
    content = io.BytesIO()
    np.save(content, array, allow_pickle=False)
    with atomic_path(path) as part:
        # numpy's own write loses the error number of a full disk
        part.write_bytes(content.getvalue() + hashlib.sha256(content.getvalue()).digest())


def read_array(path: Path, remedy: str, *, mapped: bool = False) -> np.ndarray:
    """The array of a .npy: of `write_array`, whose checksum is compared, or of any ``np.save``.

    Args:
        mapped: map the file instead of reading it; it may then have no checksum.

    Raises:
        InputError: the file is missing, damaged or not a plain array; the message ends with ``remedy``.
    """
    require_file(path, remedy)
    size = os.path.getsize(path)
    try:
        with open(path, "rb") as file:
            rest = size - _end_of_array(file)
            if rest == hashlib.sha256().digest_size and not mapped:
                file.seek(0)
                content = file.read(size - rest)
                if hashlib.sha256(content).digest() != file.read():
                    raise ValueError("its checksum differs")
            elif rest:
                raise ValueError(f"{size} bytes, {size - rest} expected")
        return np.load(path, mmap_mode="r" if mapped else None, allow_pickle=False)
    except Exception as error:  # its kind depends on the bytes
        raise InputError(f"{path}: not a plain array ({error}), truncated or damaged; {remedy}") from None


def read_arrays(
    path: Path, keys: tuple[str, ...], remedy: str, optional: tuple[str, ...] = ()
) -> dict[str, np.ndarray]:
    """The arrays ``keys`` of an npz file, and those of ``optional`` that it holds.

    Raises:
        InputError: the file is missing, damaged or not an npz, lacks a key, or holds pickled objects under one.
    """
    require_file(path, remedy)
    try:
        with open(path, "rb") as file:
            if file.read(6) == np.lib.format.MAGIC_PREFIX:
                raise InputError(f"{path}: is one array, not an npz of several; {remedy}")
            with zipfile.ZipFile(file) as archive:
                members = {member.filename.removesuffix(".npy"): member for member in archive.infolist()}
                if missing := [key for key in keys if key not in members]:
                    raise InputError(f"{path}: has no array {', '.join(missing)}; {remedy}")
                wanted = (*keys, *(key for key in optional if key in members))
                return {key: _read_member(archive, members[key], os.path.getsize(path)) for key in wanted}
    except _PickledError as error:
        raise InputError(
            f"{path}: {error} holds pickled objects, which are never loaded; in a session that trusts the "
            f"file save it again as plain numbers or text; {remedy}"
        ) from None
    except InputError:
        raise
    except Exception as error:  # its kind depends on the bytes
        raise InputError(f"{path}: not an npz of plain arrays ({error}), truncated or damaged; {remedy}") from None


class _PickledError(Exception):
    """The array of this name holds Python objects."""


def _read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, size: int) -> np.ndarray:
    """One array of an npz of ``size`` bytes; zipfile compares its checksum."""
    most = max(_ALWAYS_TAKEN, _LARGEST_RATIO * min(member.compress_size, size))
    if member.file_size > most:
        raise ValueError(f"{member.filename} would unpack to {member.file_size} bytes from {member.compress_size}")
    with archive.open(member) as stream:
        if (end := _end_of_array(stream, member.filename)) != member.file_size:
            raise ValueError(f"{member.filename}: {member.file_size} bytes, {end} expected")
    with archive.open(member) as stream:
        return np.lib.format.read_array(stream, allow_pickle=False)


def _end_of_array(stream: IO[bytes], name: str = "it") -> int:
    """Where the array ends that begins with ``stream``'s header, in bytes."""
    version = np.lib.format.read_magic(stream)
    if version != _VERSION:
        raise ValueError(f"{name} is a .npy of version {version}")
    shape, _, dtype = np.lib.format.read_array_header_1_0(stream)
    if dtype.hasobject:
        raise _PickledError(name.removesuffix(".npy"))
    if min(shape, default=0) < 0 or not dtype.itemsize:
        raise ValueError(f"{name} claims to be {shape} {dtype}")
    return stream.tell() + math.prod(shape) * dtype.itemsize
