"""COCO's keypoint annotation files, checked when read, so that training and scoring can rely on them. No torch."""

import functools
import sys
from pathlib import Path
from typing import Any

import numpy as np

from downstream.coco.keypoints import NAMES
from downstream.coco.plausible import SIZE, judge_people
from downstream.reading.entries import Entries
from liftedcl.data_sets.coco.entries import category_names, distinct_images, shown, whole
from liftedcl.data_sets.coco.files import REMEDY
from liftedcl.files.atomic import read_json
from liftedcl.files.image_listing import is_text
from liftedcl.identity.errors import InputError

PERSON = 1
"""COCO's category."""

_UNUSABLE = (KeyError, TypeError, ValueError, OverflowError)


def read_annotations(path: Path) -> dict[str, Any]:
    """The content of ``person_keypoints_*.json``; every image and person has the keys, types and ranges of COCO's.

    Ids are ints of any size, and no image is listed twice. The names of the images are not checked, since scoring
    doesn't need them: see `file_names`.

    Raises:
        InputError: names the file, the entry and what is wrong with it; `downstream.reading.entries.WrongEntriesError`
            where several can be.
    """
    content, dropped = _read(path)
    images = content["images"]
    entries = Entries(path, REMEDY, range(len(images)), _names(images))
    sizes = [entries.numbers(lambda i, key=key: images[i][key], f"images: {key}") for key in ("width", "height")]
    for key, values in zip(("width", "height"), sizes, strict=True):
        entries.within(f"images: {key} is", values, SIZE)
        entries.check(values == np.floor(values), f"images: {key} is not a whole number")
    entries.finish()
    _check_people(
        content["annotations"], dict(zip((image["id"] for image in images), np.stack(sizes, 1), strict=True)), path
    )
    if dropped:
        _tell(f"note: {path}: dropped {dropped:,} images that are listed twice")
    return content


def file_names(content: dict[str, Any], path: Path) -> dict[int, str]:
    """The image of each image id, from what `read_annotations` gave. Raises `InputError` where an image has none."""
    images = content["images"]
    entries = Entries(path, REMEDY, range(len(images)), _names(images))
    found = [image.get("file_name") for image in images]
    named = np.array([isinstance(name, str) and is_text(name) for name in found], dtype=bool)
    entries.check(named, "images: file_name is missing or not text")
    entries.finish()
    return {image["id"]: image["file_name"] for image in images}


def whole_ids(rows: list[dict[str, Any]], key: str, entries: Entries, where: str = "") -> list[int | None]:
    """``key`` of each of the N rows of ``entries`` as an int, exactly; None and noted where it is no whole number.

    Text is noted too: as an id, "42" would match nothing. ``where`` goes before the key in the message.
    """
    ids: list[int | None] = []
    for row in rows:
        try:
            ids.append(whole(row[key], key))
        except _UNUSABLE:
            ids.append(None)
    entries.check(np.array([value is not None for value in ids], dtype=bool), f"{where}{key} is not an integer")
    return ids


def _read(path: Path) -> tuple[dict[str, Any], int]:
    """The content with whole ids and distinct images, and how many rows of images were dropped."""
    content = read_json(path, REMEDY)
    images, people, categories = (_objects(content, key, path) for key in ("images", "annotations", "categories"))
    entries = Entries(path, REMEDY, range(len(categories)))
    names = dict(zip(whole_ids(categories, "id", entries, "categories: "), categories, strict=True))
    entries.finish()
    if names.get(PERSON, {}).get("name") != "person":
        found = category_names(content)
        raise InputError(f"{path}: has no category of id {PERSON} and name 'person', there is {found}; {REMEDY}")
    for rows, keys, where in ((images, ("id",), "images: "), (people, ("category_id", "id", "image_id"), "")):
        entries = Entries(path, REMEDY, range(len(rows)), _names(rows))
        columns = [whole_ids(rows, key, entries, where) for key in keys]
        if where == "":
            persons = np.array([value == PERSON for value in columns[0]], dtype=bool)
            entries.check(persons, f"category_id is not {PERSON}, person (there is {category_names(content)})")
        entries.finish()
        for row, values in zip(rows, zip(*columns, strict=True), strict=True):
            row.update(zip(keys, values, strict=True))
    try:
        distinct, dropped = distinct_images(images)
    except ValueError as error:
        raise InputError(f"{path}: {error}; {REMEDY}") from None
    return {**content, "images": list(distinct.values())}, dropped


def _check_people(people: list[dict[str, Any]], sizes: dict[int, np.ndarray], path: Path) -> None:
    """``sizes`` holds width and height (2,) of each image, by id."""
    entries = Entries(path, REMEDY, range(len(people)), _names(people))
    listed = np.array([person["image_id"] in sizes for person in people], dtype=bool)
    entries.check(listed, "image_id is not the id of an image")
    seen: set[int] = set()
    first = [not (person["id"] in seen or seen.add(person["id"])) for person in people]
    entries.check(np.array(first, dtype=bool), "id occurs twice")
    columns = {
        key: entries.numbers(lambda i, key=key: people[i][key], key, shape, flags=key == "iscrowd")
        for key, shape in (
            ("area", ()), ("iscrowd", ()), ("num_keypoints", ()), ("bbox", (4,)), ("keypoints", (3 * len(NAMES),)),
        )
    }  # fmt: skip
    if people:
        nowhere = np.full(2, np.nan)
        with np.errstate(invalid="ignore"):  # of entries that have a fault already
            judge_people(entries, columns, np.array([sizes.get(person["image_id"], nowhere) for person in people]))
    entries.finish()


def _names(rows: list[dict[str, Any]]) -> list[str]:
    """What messages say of a row beside its place."""
    return [f"id {shown(row.get('id'))}" for row in rows]


def _objects(content: Any, key: str, path: Path) -> list[dict[str, Any]]:
    entries = content.get(key) if isinstance(content, dict) else None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise InputError(f"{path}: has no list `{key}` of objects, as COCO's files have; {REMEDY}")
    return entries


@functools.cache
def _tell(line: str) -> None:
    """Print a line on stderr, once a process: a run reads its annotations several times."""
    print(line, file=sys.stderr, flush=True)
