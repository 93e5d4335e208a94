"""People in a folder of one's own pictures: boxes in COCO's format beside them, or each picture a person.

No OpenCV, no torch: what plans a run asks for the folder's listing.
"""

import hashlib
import os
from pathlib import Path

from liftedcl.files.atomic import read_json
from liftedcl.identity.errors import InputError
from liftedcl.images.coco_people import PeopleImage, Person, people_images

BOXES = "boxes.json"
"""The file of boxes, in the folder itself; may be missing."""

SUFFIXES = (".jpg", ".jpeg", ".png")
REMEDY = "see docs/data/people.md, or name the folder with --config people=FOLDER"


def read_own_people(root: str | Path) -> list[PeopleImage]:
    """Pictures below a folder that show people.

    With ``ROOT/boxes.json`` those that it lists, by image id; otherwise every picture, by relative path, numbered from
    1, which is one person each.

    Raises:
        InputError: no such folder, no picture or no person in it, a damaged boxes.json, or one whose pictures are
            missing.
    """
    root = Path(root)
    if not root.is_dir():
        raise InputError(f"{root}: no such folder; {REMEDY}")
    boxes = root / BOXES
    return _boxed(root, boxes) if boxes.exists() else _whole_pictures(root)


def listing_digest(root: str | Path) -> str:
    """Hex digest of the names and sizes of the pictures below a folder; none of them is read."""
    digest = hashlib.sha256()
    for path in _pictures(Path(root)):
        size = path.stat().st_size if path.exists() else None  # None: a link to nothing
        digest.update(f"{path.relative_to(root).as_posix()}\0{size}\0".encode(errors="surrogateescape"))
    return digest.hexdigest()[:16]


def _boxed(root: Path, boxes: Path) -> list[PeopleImage]:
    images = people_images(read_json(boxes, REMEDY), boxes, root, REMEDY)
    missing = [image.path for image in images if not image.path.is_file()]
    if missing:
        others = f" nor are {len(missing) - 1} others" if len(missing) > 1 else ""
        raise InputError(f"{missing[0]}: listed in {boxes} but not there,{others} (of {len(images)}); {REMEDY}")
    return images


def _whole_pictures(root: Path) -> list[PeopleImage]:
    found = _pictures(root)
    if not found:
        raise InputError(f"{root}: holds no {', '.join(SUFFIXES)} picture, nor do its subfolders; {REMEDY}")
    return [
        PeopleImage(number, path, None, None, (Person(number, box=None, crowd=False, keypoints=None),))
        for number, path in enumerate(found, start=1)
    ]


def _pictures(root: Path) -> list[Path]:
    """Pictures below ``root`` by relative path, but for hidden files and folders, where previews and rubbish stand."""
    found = []
    for folder, subfolders, names in os.walk(root):
        subfolders[:] = [name for name in subfolders if not name.startswith(".")]
        pictures = (name for name in names if name.lower().endswith(SUFFIXES) and not name.startswith("."))
        found += [Path(folder, name) for name in pictures]
    return sorted(found)
