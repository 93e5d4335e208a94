"""People of a folder in COCO's layout: the images and their annotated person boxes."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from liftedcl.data_sets.coco.entries import category_names, distinct_images, number, shown, whole
from liftedcl.data_sets.coco.files import REMEDY, annotation_path, image_folder
from liftedcl.files.atomic import read_json
from liftedcl.files.image_listing import is_text
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


@dataclass(frozen=True)
class FoundPeople:
    """The images with annotated people, and what didn't get that far.

    ``notes`` say what was left out of the listing or the file, a line each; ``left_out`` counts people by reason.
    """

    images: list[PeopleImage]
    notes: list[str] = field(default_factory=list)
    left_out: dict[str, int] = field(default_factory=dict)


def read_people(root: str | Path, split: str) -> FoundPeople:
    """Images of a split that have annotated people, by image id.

    Raises:
        InputError: a file or folder is missing or damaged, or no person is annotated.
    """
    annotations = annotation_path(root, split)
    return people_images(read_json(annotations, REMEDY), annotations, image_folder(root, split), REMEDY)


def people_images(content: Any, annotations: Path, folder: Path, remedy: str) -> FoundPeople:
    """Images with annotated people in ``content``, which was read from the file ``annotations``, by image id.

    If there are categories, only boxes of ``person`` count, otherwise all. ``iscrowd``, ``num_keypoints`` and
    ``keypoints`` may be missing.

    Raises:
        InputError: the content is not in COCO's format, or no person is annotated. It names the first entry that is
            wrong and counts the others, and ends with ``remedy``.
    """
    if not isinstance(content, dict):
        raise InputError(f"{annotations}: not in COCO's format (no object with images and annotations); {remedy}")
    try:
        rows, entries, wanted = content["images"], content["annotations"], _person_ids(content)
        images, dropped = distinct_images(rows)
    except KeyError as error:
        raise InputError(f"{annotations}: no entry {error} where COCO has one, the file is damaged; {remedy}") from None
    except (TypeError, ValueError, AttributeError, OverflowError) as error:
        raise InputError(f"{annotations}: not in COCO's format ({error}); {remedy}") from None
    if not isinstance(entries, list):
        raise InputError(f"{annotations}: not in COCO's format (annotations is no list); {remedy}")
    people: dict[int, list[Person]] = {}
    faults = []
    for place, entry in enumerate(entries):
        try:
            if wanted is not None and entry["category_id"] not in wanted:
                continue
            image_id = whole(entry["image_id"], "image_id")
            if image_id not in images:
                raise ValueError(f"image_id {image_id} is not the id of an image")
            people.setdefault(image_id, []).append(_person(entry))
        except _FAULTS as error:
            identity = f" (id {shown(entry['id'])})" if isinstance(entry, dict) and "id" in entry else ""
            faults.append(f"annotations[{place}]{identity}: {_described(error)}")
    found = []
    for image_id in sorted(people):
        try:
            found.append(_image(images[image_id], image_id, people[image_id], folder))
        except _FAULTS as error:
            faults.append(f"images: id {image_id}: {_described(error)}")
    if faults:
        others = f", nor are {len(faults) - 1:,} other entries" if len(faults) > 1 else ""
        raise InputError(f"{annotations}: not in COCO's format ({faults[0]}){others}; {remedy}")
    if not found:
        there = f"; its categories are {category_names(content)}" if wanted is not None else ""
        raise InputError(f"{annotations}: no person is annotated in it{there}; {remedy}")
    if all(max(map(abs, person.box or ())) <= 1 for image in found for person in image.people):
        raise InputError(f"{annotations}: all boxes are from 0 to 1, but bbox is in px of the image; {remedy}")
    notes = [f"{annotations}: dropped {dropped:,} images that are listed twice"] if dropped else []
    return FoundPeople(found, notes)


_FAULTS = (KeyError, TypeError, ValueError, AttributeError, OverflowError)


def _described(error: Exception) -> str:
    return f"has no {error}" if isinstance(error, KeyError) else str(error)


def _person_ids(content: dict[str, Any]) -> set[Any] | None:
    """The ids of the category ``person``; None if there are no categories."""
    categories = content.get("categories")
    return {category["id"] for category in categories if category["name"] == "person"} if categories else None


def _image(row: dict[str, Any], image_id: int, people: list[Person], folder: Path) -> PeopleImage:
    width, height = (whole(row[key], key) for key in ("width", "height"))
    if min(width, height) < 1:
        raise ValueError(f"width {width}, height {height}: write the size of the image in pixels")
    ordered = tuple(sorted(people, key=lambda person: person.annotation_id))
    return PeopleImage(image_id, _below(folder, row["file_name"]), width, height, ordered)


def _person(entry: dict[str, Any]) -> Person:
    box = entry["bbox"]
    if not isinstance(box, list) or len(box) != 4:
        raise ValueError(f"bbox: {shown(box)} is not a list of x, y, width, height")
    x, y, width, height = (number(value, "bbox") for value in box)
    crowd = entry.get("iscrowd", 0)
    if crowd not in (0, 1):
        raise ValueError(f"iscrowd: {shown(crowd)} is not 0 or 1")
    return Person(whole(entry["id"], "id"), (x, y, width, height), bool(crowd), _labelled(entry))


def _labelled(entry: dict[str, Any]) -> int | None:
    """The number of labelled keypoints; without a count, of those whose third number isn't 0."""
    if "num_keypoints" in entry:
        return whole(entry["num_keypoints"], "num_keypoints")
    if "keypoints" in entry:
        return sum(number(flag, "keypoints") > 0 for flag in entry["keypoints"][2::3])
    return None


def _below(folder: Path, name: Any) -> Path:
    good = isinstance(name, str) and is_text(name) and "\0" not in name
    if not good or Path(name).is_absolute() or ".." in Path(name).parts:
        raise ValueError(f"file_name: {shown(name)} is not a path below {folder}")
    return folder / name
