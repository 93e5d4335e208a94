"""Checks of N entries that readers of annotation files share. An error names the first entry that is wrong.

Where a reader leaves entries out, ``kept`` (N,) holds the places of the others in the file.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from liftedcl.identity.errors import InputError

_UNUSABLE = (KeyError, TypeError, ValueError, OverflowError)


def numbers(
    get: Callable[[int], Any],
    what: str,
    shape: tuple[int, ...],
    count: int,
    path: Path,
    remedy: str,
    kept: Sequence[int] | None = None,
) -> np.ndarray:
    """``get(i)`` of ``count`` entries as float64 (count, \\*shape); one by one only to find the wrong one.

    Raises:
        InputError: names the file, the entry and ``what``, which is missing, not a number, misshapen or not finite.
    """
    entries = range(count) if kept is None else kept
    try:
        values = _floats([get(i) for i in entries])
        if values.shape == (count, *shape) and np.isfinite(values).all():
            return values
    except _UNUSABLE:
        pass
    for i in entries:
        try:
            value = _floats(get(i))
        except _UNUSABLE:
            raise InputError(f"{path}: sample {i}: {what} is missing or no number that fits; {remedy}") from None
        if value.shape != shape:
            raise InputError(f"{path}: sample {i}: {what} has shape {value.shape}, not {shape}; {remedy}")
        if not np.isfinite(value).all():
            raise InputError(f"{path}: sample {i}: {what} holds NaN or infinity; {remedy}")
    raise AssertionError("every entry is well formed alone but not together")


def _floats(value: Any) -> np.ndarray:
    """As float64. Raises `TypeError` for text: numpy would take "50" for 50, but later readers of the file don't."""
    array = np.array(value)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"no numbers: {array.dtype}")
    return array.astype(np.float64)


def check_all(good: np.ndarray, problem: str, path: Path, remedy: str, kept: Sequence[int] | None = None) -> None:
    """Raise `InputError` with ``problem`` for the first entry that isn't ``good`` (N,)."""
    if not good.all():
        raise InputError(f"{path}: sample {_place(int(np.argmin(good)), kept)}: {problem}; {remedy}")


def check_pictures(folder: Path, names: list[Any], path: Path, remedy: str, kept: Sequence[int] | None = None) -> None:
    """Check that each name is a file below ``folder``; lists each folder once instead of looking up each entry.

    Raises:
        InputError: names the image, the annotation file and the entry.
    """
    folders: dict[str, list[int]] = defaultdict(list)
    for i, name in enumerate(names):
        if not isinstance(name, str) or not name or Path(name).is_absolute() or ".." in Path(name).parts:
            raise InputError(f"{path}: sample {_place(i, kept)}: {name!r} is not a path below {folder}; {remedy}")
        folders[str(Path(name).parent)].append(i)
    for parent, entries in folders.items():
        place = folder / parent
        there = {entry.name for entry in place.iterdir()} if place.is_dir() else set()
        for i in entries:
            if Path(names[i]).name not in there:
                raise InputError(f"{folder / names[i]}: not found ({path}: sample {_place(i, kept)}); {remedy}")


def _place(i: int, kept: Sequence[int] | None) -> int:
    return i if kept is None else kept[i]
