"""Files that are written atomically, checked when read, and claimed by one process at a time."""

import contextlib
import errno
import fcntl
import hashlib
import json
import math
import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from liftedcl.identity.errors import InputError

CLAIM = ".claim"
"""The file in a claimed folder."""

_PATIENCE = 6.0
"""Seconds that a claim is waited for. The data-loading workers of a killed run hold its claim up to five longer."""

_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)
"""A file system without locks, where two writers of one file are the user's affair."""

_KINDS = {stat.S_IFIFO: "pipe", stat.S_IFSOCK: "socket", stat.S_IFCHR: "device", stat.S_IFBLK: "device"}


@contextlib.contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path to write to; it is renamed to ``path`` on success and removed on any error.

    Where ``path`` is a link, what it leads to is replaced. The temporary name is fixed (``.NAME.part``), so the next
    run overwrites what a SIGKILL left behind, and locked: two processes never write one file at the same time.

    Raises:
        InputError: ``path`` is a device or a pipe, or another process is writing it.
        IsADirectoryError: it is a folder.
        RuntimeError: nothing was written. No result is an empty file.
    """
    if kind := special_file(path):
        raise InputError(f"{path}: is a {kind}, and only a file can be replaced as a whole; name a file")
    if os.path.isdir(path):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    path = Path(os.path.realpath(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    with _claimed(part, f"{path}: another process is writing this file; wait for it or stop it"):
        try:
            yield part
            if not os.path.getsize(part):  # this file has been there, for its lock, since before anything was written
                raise RuntimeError(f"{path}: nothing was written to it")
            os.replace(part, path)
        except BaseException as error:
            part.unlink(missing_ok=True)  # only now: once renamed, the name belongs to the next writer
            if isinstance(error, OSError):  # that of a failed write doesn't name the file
                error.filename = error.filename or str(path)
            raise


def require_file(path: str | Path, remedy: str) -> None:
    """Look before a file is opened for reading: a pipe would be waited for, and a device might never end.

    Raises:
        InputError: ``path`` is missing, a folder, a pipe or a device; the message ends with ``remedy``.
    """
    if kind := special_file(path):
        raise InputError(f"{path}: is a {kind}, not a file; write its content to a file first, and name that")
    if os.path.isdir(path):
        raise InputError(f"{path}: is a folder, not a file; {remedy}")
    if not os.path.exists(path):
        raise InputError(f"{path}: not found; {remedy}")


def special_file(path: str | Path) -> str | None:
    """Such as 'pipe', if ``path`` is neither a file nor a folder nor missing; opening it might never end."""
    try:
        return _KINDS.get(stat.S_IFMT(os.stat(path).st_mode))
    except FileNotFoundError:
        return None


def write_text(path: str | Path, text: str) -> None:
    """Write a text file, atomically."""
    with atomic_path(path) as part:
        part.write_text(text, encoding="utf-8")


def write_json(path: str | Path, value: Any) -> None:
    """Write `json_text`, atomically."""
    write_text(path, json_text(value))


def json_text(value: Any) -> str:
    """JSON with sorted keys: equal values give equal text. NaN raises a `ValueError`."""
    return json.dumps(value, indent=1, sort_keys=True, allow_nan=False) + "\n"


def read_json(path: str | Path, remedy: str, *, finite: bool = False) -> Any:
    """Read a JSON file; one of `write_json` has ``finite`` numbers alone.

    Raises:
        InputError: the file is missing, no file, or not valid JSON; the message ends with ``remedy``.
    """
    require_file(path, remedy)
    try:
        given = {"parse_float": _finite, "parse_constant": _finite} if finite else {}
        return json.loads(Path(path).read_bytes(), **given)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: not valid JSON ({error}), truncated or damaged; {remedy}") from None


def _finite(text: str) -> float:
    if not math.isfinite(float(text)):
        raise ValueError(f"{text} is no number that this project writes")
    return float(text)


def sha256_of_file(path: str | Path) -> str:
    """Hex SHA-256 of a file's bytes."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextlib.contextmanager
def exclusive(folder: str | Path) -> Iterator[None]:
    """Claim ``folder`` for this process; the claim ends with the process, even if that is killed.

    Raises:
        InputError: another process has claimed it, and keeps it for longer than `_PATIENCE`.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with _claimed(folder / CLAIM, f"{folder}: another process is working on this run; wait for it or stop it"):
        yield


@contextlib.contextmanager
def _claimed(path: Path, refusal: str) -> Iterator[None]:
    """Hold the lock of the file ``path``, which is made if it is missing and keeps its content.

    Raises:
        InputError: another process holds it for longer than `_PATIENCE`; the message is ``refusal``.
    """
    deadline = time.monotonic() + _PATIENCE
    while True:
        with open(path, "ab") as claim:
            if _locked(claim) and _still_at(path, claim):
                yield
                return
        if time.monotonic() > deadline:
            raise InputError(refusal)
        time.sleep(0.02)


def _locked(claim: IO[bytes]) -> bool:
    try:
        fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
    return True


def _still_at(path: Path, claim: IO[bytes]) -> bool:
    """Whether ``claim`` is what ``path`` names: the process that had it may have renamed it, or removed it."""
    try:
        return os.path.samestat(os.stat(path), os.fstat(claim.fileno()))
    except FileNotFoundError:
        return False
