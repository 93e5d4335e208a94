"""COCO's keypoint annotation files, checked when read, so that training and scoring can rely on them. No torch."""

from pathlib import Path
from typing import Any

import numpy as np

from downstream.coco.keypoints import NAMES
from downstream.reading.annotation_entries import check_all, numbers
from liftedcl.data_sets.coco.files import REMEDY
from liftedcl.files.atomic import read_json
from liftedcl.identity.errors import InputError

PERSON = 1
"""COCO's category."""


def read_annotations(path: Path) -> dict[str, Any]:
    """The content of ``person_keypoints_*.json``; every image and person has the keys and types that COCO's have.

    The names of the images are not checked, since scoring doesn't need them: see `file_names`.

    Raises:
        InputError: names the file, the entry and what is wrong with it.
    """
    content = read_json(path, REMEDY)
    images, people, categories = (_objects(content, key, path) for key in ("images", "annotations", "categories"))
    check_integers(categories, "id", path, REMEDY, "categories: ")
    names = {category["id"]: category.get("name") for category in categories}
    if names.get(PERSON) != "person" or any(entry.get("category_id") != PERSON for entry in people):
        raise InputError(f"{path}: has no category {PERSON}, person, or annotations of another category; {REMEDY}")

    def of_images(key: str) -> np.ndarray:
        return numbers(lambda i: images[i][key], f"images: {key}", (), len(images), path, REMEDY)

    def of_people(key: str, *shape: int) -> np.ndarray:
        return numbers(lambda i: people[i][key], key, shape, len(people), path, REMEDY)

    check_integers(images, "id", path, REMEDY, "images: ")
    known = of_images("id")
    check_all(_first_of_its_kind(known), "images: id occurs twice", path, REMEDY)
    for key in ("width", "height"):
        check_all(of_images(key) >= 1, f"images: {key} is below 1", path, REMEDY)
    if not people:
        return content
    for key in ("id", "image_id"):
        check_integers(people, key, path, REMEDY)
    check_all(np.isin(of_people("image_id"), known), "image_id is not the id of an image", path, REMEDY)
    check_all(of_people("id") >= 1, "id is below 1; pycocotools takes 0 for a person that wasn't matched", path, REMEDY)
    check_all(_first_of_its_kind(of_people("id")), "id occurs twice", path, REMEDY)
    for key in ("area", "iscrowd", "num_keypoints"):
        of_people(key)
    of_people("bbox", 4)
    flags = of_people("keypoints", 3 * len(NAMES))[:, 2::3]
    check_all(np.isin(flags, (0, 1, 2)).all(axis=1), "keypoints: a flag is not 0, 1 or 2", path, REMEDY)
    return content


def file_names(content: dict[str, Any], path: Path) -> dict[int, str]:
    """The image of each image id, from what `read_annotations` gave. Raises `InputError` where an image has none."""
    named = np.array([isinstance(image.get("file_name"), str) for image in content["images"]])
    check_all(named, "images: file_name is missing or not text", path, REMEDY)
    return {image["id"]: image["file_name"] for image in content["images"]}


def check_integers(entries: list[dict[str, Any]], key: str, path: Path, remedy: str, where: str = "") -> None:
    """Raise `InputError` for the first entry whose ``key`` is not an integer: as an id, "42" would match nothing.

    ``where`` goes before the key in the message.
    """
    integer = np.array([type(entry.get(key)) is int for entry in entries])
    check_all(integer, f"{where}{key} is not an integer", path, remedy)


def _objects(content: Any, key: str, path: Path) -> list[dict[str, Any]]:
    entries = content.get(key) if isinstance(content, dict) else None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise InputError(f"{path}: has no list `{key}` of objects, as COCO's files have; {REMEDY}")
    return entries


def _first_of_its_kind(values: np.ndarray) -> np.ndarray:
    """(N,) bool: False where a value occurs again."""
    first = np.zeros(len(values), dtype=bool)
    first[np.unique(values, return_index=True)[1]] = True
    return first
