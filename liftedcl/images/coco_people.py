"""People of a folder in COCO's layout: the images and their annotated person boxes."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from liftedcl.data_sets.coco.files import REMEDY, annotation_path, image_folder
from liftedcl.files.atomic import read_json
from liftedcl.identity.errors import InputError


@dataclass(frozen=True)
class Person:
    """One annotated person.

    ``box`` is x, y, width, height in pixels of the stored image, as annotated; None if the whole image is the person.
    ``keypoints`` counts the labelled ones; it is None if the data set doesn't say.
    """

    annotation_id: int
    box: tuple[float, float, float, float] | None
    crowd: bool
    keypoints: int | None


@dataclass(frozen=True)
class PeopleImage:
    """One image and its annotated people, by annotation id.

    ``width`` and ``height`` are as annotated, or None for an image without boxes, whose size only decoding shows.
    """

    image_id: int
    path: Path
    width: int | None
    height: int | None
    people: tuple[Person, ...]


def read_people(root: str | Path, split: str) -> list[PeopleImage]:
    """Images of a split that have annotated people, by image id.

    Raises:
        InputError: a file or folder is missing or damaged, or no person is annotated.
    """
    annotations = annotation_path(root, split)
    return people_images(read_json(annotations, REMEDY), annotations, image_folder(root, split), REMEDY)


def people_images(content: Any, annotations: Path, folder: Path, remedy: str) -> list[PeopleImage]:
    """Images with annotated people in ``content``, which was read from the file ``annotations``, by image id.

    If there are categories, only boxes of ``person`` count, otherwise all. ``iscrowd``, ``num_keypoints`` and
    ``keypoints`` may be missing.

    Raises:
        InputError: the content is not in COCO's format, or no person is annotated; it ends with ``remedy``.
    """
    try:
        people = _people_by_image(content)
        images = {_whole(image, "id"): image for image in content["images"]}
        if len(images) < len(content["images"]):
            raise ValueError("two images have the same id")
        found = [
            PeopleImage(
                image_id=image_id,
                path=_below(folder, images[image_id]["file_name"]),
                width=_whole(images[image_id], "width"),
                height=_whole(images[image_id], "height"),
                people=tuple(sorted(people[image_id], key=lambda person: person.annotation_id)),
            )
            for image_id in sorted(people)
        ]
    except KeyError as error:
        raise InputError(f"{annotations}: no entry {error} where COCO has one, the file is damaged; {remedy}") from None
    except (TypeError, ValueError, AttributeError, OverflowError) as error:
        raise InputError(f"{annotations}: not in COCO's format ({error}); {remedy}") from None
    if not found:
        raise InputError(f"{annotations}: no person is annotated in it; {remedy}")
    return found


def _people_by_image(content: Any) -> dict[int, list[Person]]:
    categories = content.get("categories")
    person_ids = {category["id"] for category in categories or () if category["name"] == "person"}
    people: dict[int, list[Person]] = {}
    for annotation in content["annotations"]:
        if categories and annotation["category_id"] not in person_ids:
            continue
        x, y, width, height = (_number(value, "bbox") for value in annotation["bbox"])
        person = Person(
            annotation_id=_whole(annotation, "id"),
            box=(x, y, width, height),
            crowd=bool(_number(annotation.get("iscrowd", 0), "iscrowd")),
            keypoints=_labelled(annotation),
        )
        people.setdefault(_whole(annotation, "image_id"), []).append(person)
    return people


def _labelled(annotation: dict[str, Any]) -> int | None:
    """The number of labelled keypoints; without a count, of those whose third number isn't 0."""
    if "num_keypoints" in annotation:
        return _whole(annotation, "num_keypoints")
    if "keypoints" in annotation:
        return sum(_number(flag, "keypoints") > 0 for flag in annotation["keypoints"][2::3])
    return None


def _below(folder: Path, name: str) -> Path:
    if Path(name).is_absolute() or ".." in Path(name).parts:
        raise ValueError(f"file_name: {name!r} is not a path below {folder}")
    return folder / name


def _number(value: Any, key: str) -> float:
    """As float. Text is refused, because later readers of the file don't take "50" for 50."""
    if not isinstance(value, int | float):
        raise TypeError(f"{key}: {value!r} is not a number")
    return float(value)


def _whole(entry: dict[str, Any], key: str) -> int:
    value = entry[key]
    if not _number(value, key).is_integer():
        raise ValueError(f"{key}: {value!r} is not a whole number")
    return int(value)
