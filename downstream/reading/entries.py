"""Checks of the entries of an annotation file: all that are wrong are found, and one error tells of them."""

import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from downstream.reading.frames import picture_header, read_picture
from downstream.reading.plausible import Plausible
from liftedcl.files.evenly_spread import evenly_spread
from liftedcl.files.image_header import REMOVE_TAG, TOLERATED_SHARE
from liftedcl.identity.errors import InputError

_UNUSABLE = (KeyError, TypeError, ValueError, OverflowError, AttributeError)
_NAMED = 8
"""Entries that a message names of those with the same fault."""
_MEASURED = 200
"""Pictures whose sizes `Entries.on_pictures` reads."""
_FEW, _OUTSIDE = 3, 0.25
"""So many people, and more than this share of them, outside their pictures mean pictures of another size."""


class WrongEntriesError(InputError):
    """The message is one line about the first fault; ``problems`` has a line for each."""

    def __init__(self, problems: list[str], remedy: str) -> None:
        more = f" (and {len(problems) - 1} other faults, which `check` lists)" if len(problems) > 1 else ""
        super().__init__(f"{problems[0]}{more}; {remedy}")
        self.problems = problems


class Entries:
    """N entries of an annotation file, and what is wrong with them: each is reported for its first fault alone.

    Args:
        path: the file.
        remedy: ends each message.
        kept: places of the N entries in the file.
        names: file names of their images, as far as they are known; told beside the places.
    """

    def __init__(self, path: Path, remedy: str, kept: Sequence[int], names: Sequence[Any] | None = None) -> None:
        self._path, self._remedy, self._kept, self.names = path, remedy, kept, names
        self._good = np.ones(len(kept), bool)
        self._problems: list[str] = []

    @property
    def good(self) -> np.ndarray:
        """The entries (N,) bool without a fault so far."""
        return self._good.copy()

    def numbers(
        self, get: Callable[[int], Any], what: str, shape: tuple[int, ...] = (), *, flags: bool = False
    ) -> np.ndarray:
        """``get(i)`` of each entry as float64 (N, \\*shape); NaN where it is missing, misshapen or not finite numbers.

        Text is no number, and true and false are none either, except as ``flags``.
        """
        try:
            raw = [get(i) for i in self._kept]
            values = _floats(raw, flags)
            if values.shape == (len(raw), *shape) and np.isfinite(values).all() and (flags or not _truths(raw, values)):
                return values
        except _UNUSABLE:
            pass
        values, faults = np.full((len(self._kept), *shape), np.nan), {}
        for n, i in enumerate(self._kept):
            try:
                value = _floats(get(i), flags)
                if not flags and _truths([get(i)], value[None]):
                    raise TypeError("a truth value")
            except _UNUSABLE:
                faults[n] = f"{what} is missing or no number that fits"
                continue
            if value.shape != shape:
                faults[n] = f"{what} has shape {value.shape}, not {shape}"
            elif not np.isfinite(value).all():
                faults[n] = f"{what} holds NaN or infinity"
            else:
                values[n] = value
        for fault in dict.fromkeys(faults.values()):
            self.check(np.array([faults.get(n) != fault for n in range(len(values))]), fault)
        return values

    def check(self, good: np.ndarray, problem: str) -> None:
        """Note ``problem`` of the entries that aren't ``good`` (N,)."""
        if len(wrong := self._new(good)):
            self._note(wrong, problem)

    def within(self, what: str, values: np.ndarray, plausible: Plausible) -> None:
        """Note the entries whose ``values`` (N, ...) aren't all ``plausible``; NaN is not judged."""
        values = values.reshape(len(values), math.prod(values.shape[1:]))  # -1 can be nothing where N is 0
        outside = (values < plausible.low) | (values > plausible.high)
        if len(wrong := self._new(~outside.any(axis=1))):
            value = values[wrong[0]][outside[wrong[0]]][0]
            self._note(wrong, plausible.problem(what, value))

    def pictures(self, folder: Path) -> None:
        """Note names that aren't files below ``folder``; lists each folder once."""
        below = np.array(
            [
                isinstance(name, str) and name != "" and not Path(name).is_absolute() and ".." not in Path(name).parts
                for name in self.names
            ]
        )
        if not below.all():
            self.check(below, f"{self.names[int(np.argmin(below))]!r} is not a path below {folder}")
        parents: dict[Path, list[int]] = defaultdict(list)
        for n in np.flatnonzero(below):
            parents[(folder / self.names[n]).parent].append(n)
        there = below.copy()
        for parent, entries in parents.items():
            found = {entry.name for entry in parent.iterdir()} if parent.is_dir() else set()
            for n in entries:
                there[n] = Path(self.names[n]).name in found
        if len(wrong := np.flatnonzero(below & ~there)):
            self._good[wrong] = False
            first, place = folder / self.names[wrong[0]], self._kept[wrong[0]]
            self._problems.append(f"{first}: not found ({self._path}: sample {place}{self._others(wrong)})")

    def picture_sizes(self, folder: Path, chosen: np.ndarray) -> np.ndarray:
        """Width and height (M, 2) int that the pictures of entries ``chosen`` (M,) have; 0 and noted where damaged."""
        return self._headers(folder, chosen)[:, :2]

    def _headers(self, folder: Path, chosen: np.ndarray) -> np.ndarray:
        """Width, height and EXIF orientation (M, 3) int of the pictures of ``chosen``; 0 and noted where damaged."""

        def read(path: Path, remedy: str) -> tuple[int, ...]:
            header = picture_header(path, remedy)
            return header.width, header.height, header.orientation

        return self._of_pictures(folder, chosen, read, 3)

    def decoded_sizes(self, folder: Path, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Decode pictures of ``count`` entries, evenly spread: those (M,) that are whole, and their sizes (M, 2)."""
        good = np.flatnonzero(self._good)
        chosen = good[evenly_spread(len(good), count)] if len(good) else good
        sizes = self._of_pictures(folder, chosen, lambda path, remedy: read_picture(path, remedy).shape[1::-1], 2)
        return chosen[sizes[:, 0] > 0], sizes[sizes[:, 0] > 0]

    def _of_pictures(
        self, folder: Path, chosen: np.ndarray, read: Callable[..., tuple[int, ...]], count: int
    ) -> np.ndarray:
        """What ``read`` gives of each picture, (M, count) int."""
        found = np.zeros((len(chosen), count), int)
        for m, n in enumerate(chosen):
            try:
                found[m] = read(folder / self.names[n], f"{self._path}: sample {self._kept[n]}")
            except InputError as error:
                self._good[n] = False
                self._problems.append(str(error))
        return found

    def on_pictures(self, folder: Path, points: np.ndarray) -> None:
        """Compare ``points`` (N, 2) px, each somewhere on a person, with the sizes of some pictures in ``folder``.

        Pictures of half the size leave most people outside, and of twice the size all in their first quarter. Where no
        size is annotated, nothing shows which pixels are meant in pictures that an EXIF tag turns.
        """
        good = np.flatnonzero(self._good)
        chosen = good[evenly_spread(len(good), _MEASURED)] if len(good) else good
        headers = self._headers(folder, chosen)
        chosen, headers = chosen[headers[:, 0] > 0], headers[headers[:, 0] > 0]
        sizes, turned = headers[:, :2], chosen[headers[:, 2] != 1]
        shares = points[chosen] / sizes
        outside = ((shares < 0) | (shares > 1)).any(axis=1)
        if outside.sum() >= _FEW and outside.mean() > _OUTSIDE:
            at = int(np.argmax(outside))
            (width, height), (x, y), n = sizes[at], points[chosen[at]], chosen[at]
            self._problems.append(
                f"{folder / self.names[n]}: is {width}x{height} px, and the person of {self._path}: sample "
                f"{self._kept[n]} at ({x:.0f}, {y:.0f}), outside it, as are {outside.sum()} of {len(chosen)} people "
                "looked at: the pictures were made smaller or turned, or are of another release"
            )
        elif len(chosen) == _MEASURED and shares.max() < 0.5:
            self._problems.append(
                f"{folder}: all of {_MEASURED} people of {self._path} that were looked at are in the first quarter of "
                "their pictures: the pictures were made larger, or are of another release"
            )
        if len(turned) > TOLERATED_SHARE * len(chosen):
            self._problems.append(
                f"{folder / self.names[turned[0]]}: has an EXIF tag that turns it, as have {len(turned)} of "
                f"{len(chosen)} images looked at, and nothing in {self._path} shows whether the stored or the turned "
                f"pixels are annotated; {REMOVE_TAG}"
            )

    def finish(self) -> None:
        """Raise `WrongEntriesError` where anything was noted since the last call."""
        problems, self._problems = self._problems, []
        if problems:
            raise WrongEntriesError(problems, self._remedy)

    def _new(self, good: np.ndarray) -> np.ndarray:
        """Places among the N of those that aren't good and have no fault yet."""
        wrong = np.flatnonzero(self._good & ~good)
        self._good[wrong] = False
        return wrong

    def _note(self, wrong: np.ndarray, problem: str) -> None:
        named = f" ({self.names[wrong[0]]})" if self.names is not None else ""
        place = f"{self._path}: sample {self._kept[wrong[0]]}"
        self._problems.append(f"{place}: {problem}{named}{self._others(wrong)}")

    def _others(self, wrong: np.ndarray) -> str:
        """How many entries but the first have the same fault, and where some of them are."""
        if len(wrong) == 1:
            return ""
        places = ", ".join(str(self._kept[n]) for n in wrong[1 : 1 + _NAMED])
        return f"; so it is with {len(wrong) - 1} more: {places}{' ...' if len(wrong) > 1 + _NAMED else ''}"


def _floats(value: Any, flags: bool) -> np.ndarray:
    """As float64. Raises `TypeError` for text: numpy would take "50" for 50, but later readers of the file don't."""
    array = np.array(value)
    if array.dtype.kind not in ("biuf" if flags else "iuf"):
        raise TypeError(f"no numbers: {array.dtype}")
    return array.astype(np.float64)


def _truths(raw: list[Any], values: np.ndarray) -> bool:
    """Whether an entry holds true or false among its numbers; only those with a 0 or a 1 can, and are searched."""
    suspects = np.isin(values, (0, 1)).any(axis=tuple(range(1, values.ndim)))
    return any(_has_truth(raw[n]) for n in np.flatnonzero(suspects))


def _has_truth(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return any(map(_has_truth, value))
    return isinstance(value, bool | np.bool_) or getattr(getattr(value, "dtype", None), "kind", "") == "b"
