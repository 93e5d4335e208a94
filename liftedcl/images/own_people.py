"""People in a folder of the user's own images, with boxes in COCO's format or without: then each image is one person.

Imports neither OpenCV nor torch, because planning needs the folder's listing.
"""

import hashlib
from pathlib import Path

from liftedcl.files.atomic import read_json
from liftedcl.files.image_listing import SUFFIXES, list_images
from liftedcl.identity.errors import InputError
from liftedcl.images.coco_people import FoundPeople, PeopleImage, Person, people_images

BOXES = "boxes.json"
"""The optional file of boxes in the folder."""

REMEDY = "see docs/data/people.md, or name the folder with --config people=FOLDER"


def read_own_people(root: str | Path) -> FoundPeople:
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
        listing = list_images(root)
        note = listing.note()
        if not listing.images:
            left_out = f" ({note})" if note else ""
            raise InputError(f"{root}: holds no {', '.join(SUFFIXES)} image, nor do its subfolders{left_out}; {REMEDY}")
        images = [
            PeopleImage(number, path, None, None, (Person(number, box=None, crowd=False, keypoints=None),))
            for number, path in enumerate(listing.images, start=1)
        ]
        return FoundPeople(images, notes=[f"{root}: {note}"] if note else [])
    found = people_images(read_json(boxes, REMEDY), boxes, root, REMEDY)
    missing = [image.path for image in found.images if not image.path.is_file()]
    if missing:
        others = f", as are {len(missing) - 1} others" if len(missing) > 1 else ""
        raise InputError(f"{missing[0]}: listed in {boxes} but missing{others} (of {len(found.images)}); {REMEDY}")
    return found


def listing_digest(root: str | Path) -> str:
    """Hex digest of the names and sizes of the images below a folder; it opens none of them."""
    digest = hashlib.sha256()
    for path in list_images(Path(root)).images:
        size = path.stat().st_size if path.exists() else None  # None for a broken link
        digest.update(f"{path.relative_to(root).as_posix()}\0{size}\0".encode())
    return digest.hexdigest()[:16]
