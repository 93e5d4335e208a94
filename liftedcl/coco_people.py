"""People of a COCO-layout folder: which images there are and which annotated person boxes they hold."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from liftedcl.errors import InputError
from liftedcl.files import read_json

REMEDY = "get it as docs/data.md describes, or name the folder with --config coco=FOLDER"


@dataclass(frozen=True)
class Person:
    """One annotated person.

    ``box``: x, y, width, height in pixels of the stored image, as annotated. ``keypoints``: how many are labelled; None
    in a data set that doesn't say.
    """

    annotation_id: int
    box: tuple[float, float, float, float]
    crowd: bool
    keypoints: int | None


@dataclass(frozen=True)
class PeopleImage:
    """One image and the people annotated in it, by annotation id. ``width`` and ``height`` as annotated."""

    image_id: int
    path: Path
    width: int
    height: int
    people: tuple[Person, ...]


def read_people(root: str | Path, split: str) -> list[PeopleImage]:
    """Images of a split that have annotated people, by image id.

    Reads ``ROOT/annotations/person_keypoints_SPLIT2017.json``; the images stand in ``ROOT/SPLIT2017`` or
    ``ROOT/images/SPLIT2017``.

    Raises:
        InputError: a file or folder is missing or damaged, or no person is annotated.
    """
    root = Path(root)
    annotations = root / "annotations" / f"person_keypoints_{split}2017.json"
    content = read_json(annotations, REMEDY)
    folder = _image_folder(root, split)
    try:
        people = _people_by_image(content)
        images = {int(image["id"]): image for image in content["images"]}
        found = [
            PeopleImage(
                image_id=image_id,
                path=folder / images[image_id]["file_name"],
                width=int(images[image_id]["width"]),
                height=int(images[image_id]["height"]),
                people=tuple(sorted(people[image_id], key=lambda person: person.annotation_id)),
            )
            for image_id in sorted(people)
        ]
    except KeyError as error:
        raise InputError(f"{annotations}: no entry {error} where COCO has one, the file is damaged; {REMEDY}") from None
    except (TypeError, ValueError, AttributeError, OverflowError) as error:
        raise InputError(f"{annotations}: not in COCO's format ({error}); {REMEDY}") from None
    if not found:
        raise InputError(f"{annotations}: no person is annotated in it; {REMEDY}")
    return found


def _image_folder(root: Path, split: str) -> Path:
    candidates = (root / f"{split}2017", root / "images" / f"{split}2017")
    for folder in candidates:
        if folder.is_dir():
            return folder
    raise InputError(f"{candidates[0]}: no such folder, nor {candidates[1]}; {REMEDY}")


def _people_by_image(content: dict[str, Any]) -> dict[int, list[Person]]:
    person_ids = {category["id"] for category in content["categories"] if category["name"] == "person"}
    people: dict[int, list[Person]] = {}
    for annotation in content["annotations"]:
        if annotation["category_id"] not in person_ids:
            continue
        x, y, width, height = (float(value) for value in annotation["bbox"])
        person = Person(
            annotation_id=int(annotation["id"]),
            box=(x, y, width, height),
            crowd=bool(annotation["iscrowd"]),
            keypoints=int(annotation["num_keypoints"]),
        )
        people.setdefault(int(annotation["image_id"]), []).append(person)
    return people
