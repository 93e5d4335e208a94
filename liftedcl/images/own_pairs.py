"""Pairs of the user's own images of people, from a list in their folder."""

import collections
import csv
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from liftedcl.data_sets.coco.entries import whole
from liftedcl.files.atomic import read_json, require_file
from liftedcl.files.image_header import TOLERATED_SHARE
from liftedcl.identity.errors import InputError
from liftedcl.images.own_people import BOXES, REMEDY
from liftedcl.images.pairs import KINDS, PairList, index_text
from liftedcl.images.shard import Shard

PAIRS = "pairs.csv"
"""The list in the folder."""

_HEADER = ["first", "second", "kind"]

Line = tuple[int, list[str]]
"""Number and fields of a line."""


def own_pairs(root: str | Path, shard: Shard) -> tuple[PairList, dict[str, Any]]:
    """The pairs that ``ROOT/pairs.csv`` lists, in its order, as rows of ``shard``, and a report.

    A line names two people and a kind. Its pair is left out where a person gave no crop, which up to 1% of the lines
    may; the report has the first of them.

    Raises:
        InputError: the list is missing or damaged, or a line is wrong; the message names the first and counts the rest.
    """
    path = Path(root) / PAIRS
    people, pairs, faults, unpacked = _People(Path(root), shard), {}, [], []
    lines = _lines(path)
    for number, fields in lines:
        try:
            first, second, kind = _pair(people, fields)
            if None in (first, second):
                unpacked.append(f"line {number}: {fields[0] if first is None else fields[1]}")
            elif (first, second) in pairs:
                raise ValueError("lists a pair for the second time")
            else:
                pairs[first, second] = kind
        except ValueError as fault:
            faults.append(f"line {number}: {fault}")
    if not faults and len(unpacked) > TOLERATED_SHARE * len(lines):
        known = "neither an image with a crop nor the annotation id of one" if people.boxes else "no image with a crop"
        faults = [f"{line} is {known} in {shard.path.name}" for line in unpacked]
    if faults:
        others = f", and {len(faults) - 1:,} other lines are wrong" if len(faults) > 1 else ""
        raise InputError(f"{path}: {faults[0]}{others}; mend the list (docs/data/people.md)")
    if not pairs:
        raise InputError(f"{path}: lists no pair; write a line `first,second,kind` for each (docs/data/people.md)")
    first, second = np.array([*pairs]).T
    kinds = np.array([KINDS.index(kind) for kind in pairs.values()])
    report = {kind: int(np.sum(kinds == place)) for place, kind in enumerate(KINDS)}
    return PairList(first, second, kinds), report | {"without_crop": len(unpacked), "first_without_crop": unpacked[:1]}


class _People:
    """The crops of a shard by the names that a list may give them."""

    def __init__(self, root: Path, shard: Shard):
        self.boxes = (root / BOXES).exists()
        self.files, self._ids = (index_text(shard, column) for column in ("file", "annotation_id"))
        self._rows = collections.defaultdict(list)
        for row, file in enumerate(self.files):
            self._rows[file].append(row)
        # Without boxes the ids only count the images, and change when one is added.
        self._by_id = {number: row for row, number in enumerate(self._ids)} if self.boxes else {}
        self._subjects = _subjects(root / BOXES) if self.boxes else {}

    def row(self, name: str) -> int | None:
        """The row of the crop that ``name`` means, an image's file or an annotation's id; None if it has none."""
        rows = self._rows.get(PurePosixPath(name).as_posix(), [])
        if len(rows) > 1:
            ids = ", ".join(self._ids[row] for row in rows)
            raise ValueError(f"{name} shows {len(rows)} people; write the annotation id of one ({ids})")
        return rows[0] if rows else self._by_id.get(name)

    def subject(self, row: int) -> Any:
        """Who the crop shows, as boxes.json says; None if it doesn't."""
        return self._subjects.get(self._ids[row])


def _pair(people: _People, fields: list[str]) -> tuple[int | None, int | None, str]:
    """The rows of a line's two people, None for one without a crop, and its kind. `ValueError` if it is no pair."""
    if len(fields) != len(_HEADER):
        raise ValueError(f"has {len(fields)} values, not first, second and kind")
    names, kind = fields[:2], fields[2]
    if kind not in KINDS:
        raise ValueError(f"{kind!r} is not one of {', '.join(KINDS)}")
    first, second = map(people.row, names)
    if None in (first, second):
        return first, second, kind
    if first == second:
        raise ValueError(f"pairs {names[0]} with itself")
    if people.files[first] == people.files[second]:
        raise ValueError(f"{names[0]} and {names[1]} are two people of one image, {people.files[first]}")
    subjects = people.subject(first), people.subject(second)
    if None not in subjects and subjects[0] != subjects[1]:
        raise ValueError(f"{names[0]} shows subject {subjects[0]}, and {names[1]} subject {subjects[1]}")
    return first, second, kind


def _lines(path: Path) -> list[Line]:
    """The lines of a list below its header, without empty ones."""
    require_file(path, REMEDY)
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file, strict=True, skipinitialspace=True)
            lines = [(reader.line_num, [field.strip() for field in fields]) for fields in reader if any(fields)]
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(
            f"{path}: not a CSV file ({error}); save it as UTF-8, with commas between the values"
        ) from None
    if not lines or lines[0][1] != _HEADER:
        found = ",".join(lines[0][1])[:60] if lines else ""
        raise InputError(f"{path}: begins with {found!r}; its first line has to be {','.join(_HEADER)}")
    return lines[1:]


def _subjects(boxes: Path) -> dict[str, Any]:
    """Annotation id -> who it is, of the annotations that say so."""
    content = read_json(boxes, REMEDY)
    try:
        known = [entry for entry in content["annotations"] if entry.get("subject") is not None]
        return {str(whole(entry["id"], "id")): entry["subject"] for entry in known}
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        raise InputError(f"{boxes}: not the file that the crops were made from; make them again ({REMEDY})") from None
