"""People in a folder of the user's own images, with boxes in COCO's format or without: then each image is one person.

Imports neither OpenCV nor torch, because planning needs the folder's listing.
"""

import hashlib
import os
from pathlib import Path

from liftedcl.files.atomic import read_json
from liftedcl.identity.errors import InputError
from liftedcl.images.coco_people import PeopleImage, Person, people_images

BOXES = "boxes.json"
"""The optional file of boxes in the folder."""

SUFFIXES = (".jpg", ".jpeg", ".png")
REMEDY = "see docs/data/people.md, or name the folder with --config people=FOLDER"


def read_own_people(root: str | Path) -> list[PeopleImage]:
    """Images of people below a folder.

    With ``ROOT/boxes.json`` these are the listed images, by image id. Otherwise every image is one person; they are
    sorted by relative path and numbered from 1.

    Raises:
        InputError: the folder is missing or holds no person, boxes.json is damaged, or a listed image is missing.
    """
    root = Path(root)
    if not root.is_dir():
        raise InputError(f"{root}: no such folder; {REMEDY}")
    boxes = root / BOXES
    if not boxes.exists():
        found = _pictures(root)
        if not found:
            raise InputError(f"{root}: holds no {', '.join(SUFFIXES)} picture, nor do its subfolders; {REMEDY}")
        return [
            PeopleImage(number, path, None, None, (Person(number, box=None, crowd=False, keypoints=None),))
            for number, path in enumerate(found, start=1)
        ]
    images = people_images(read_json(boxes, REMEDY), boxes, root, REMEDY)
    missing = [image.path for image in images if not image.path.is_file()]
    if missing:
        others = f", as are {len(missing) - 1} others" if len(missing) > 1 else ""
        raise InputError(f"{missing[0]}: listed in {boxes} but missing{others} (of {len(images)}); {REMEDY}")
    return images


def listing_digest(root: str | Path) -> str:
    """Hex digest of the names and sizes of the images below a folder; it opens none of them."""
    digest = hashlib.sha256()
    for path in _pictures(Path(root)):
        size = path.stat().st_size if path.exists() else None  # None for a broken link
        digest.update(f"{path.relative_to(root).as_posix()}\0{size}\0".encode(errors="surrogateescape"))
    return digest.hexdigest()[:16]


def _pictures(root: Path) -> list[Path]:
    """Images below ``root`` by relative path, without hidden files and folders, which hold previews and rubbish."""
    found = []
    for folder, subfolders, names in os.walk(root):
        subfolders[:] = [name for name in subfolders if not name.startswith(".")]
        pictures = (name for name in names if name.lower().endswith(SUFFIXES) and not name.startswith("."))
        found += [Path(folder, name) for name in pictures]
    return sorted(found)
