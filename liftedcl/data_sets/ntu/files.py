"""NTU RGB+D's files: videos, masked depth frames and skeletons, each named by the tag of its recording."""

import re
from pathlib import Path
from typing import NamedTuple, Self

from liftedcl.files.atomic import require_file
from liftedcl.identity.errors import InputError

LIST = "nturgbd_flist_clear.txt"
"""The recordings to use, a path of one of their files a line; lines that begin with # don't count."""
GENERATED = (LIST,)
"""What synthetic/ writes last; it completes generated data."""

REMEDY = "see docs/data/ntu.md for the layout, or name the right folder with --config ntu=FOLDER"

_TAG = re.compile(r"S(\d{3})C(\d{3})P(\d{3})R(\d{3})A(\d{3})")


class Tag(NamedTuple):
    """A recording: of one setup, camera, performer, replication and action."""

    setup: int
    camera: int
    performer: int
    replication: int
    action: int

    def __str__(self) -> str:
        return "S{:03d}C{:03d}P{:03d}R{:03d}A{:03d}".format(*self)

    @classmethod
    def found_in(cls, text: str) -> Self | None:
        """The tag that a path names in its last part that names one, or None."""
        found = _TAG.findall(text)
        return cls(*map(int, found[-1])) if found else None


def skeleton_path(root: str | Path, tag: Tag) -> Path:
    """The skeletons of a recording, all its frames in one text file."""
    return Path(root) / "nturgb+d_skeletons" / f"{tag}.skeleton"


def video_path(root: str | Path, tag: Tag) -> Path:
    """The colour video of a recording."""
    return Path(root) / "nturgb+d_rgb" / f"{tag}_rgb.avi"


def depth_path(root: str | Path, tag: Tag, frame: int) -> Path:
    """The masked depth map of a recording's ``frame``, counted from 0, while the files are numbered from 1."""
    return Path(root) / "nturgb+d_depth_masked" / str(tag) / f"MDepth-{frame + 1:08d}.png"


def read_tags(root: str | Path) -> list[Tag]:
    """The recordings of the list, sorted, each once.

    Raises:
        InputError: the list is missing, no text, or has a line without a tag, or none at all.
    """
    path = Path(root) / LIST
    require_file(path, REMEDY)
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: no text in UTF-8 ({error.reason}); {REMEDY}") from None
    tags = set()
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.startswith("#"):
            continue
        tag = Tag.found_in(line)
        if tag is None:
            raise InputError(f"{path}: line {number} names no recording (such as S001C001P001R001A001); {REMEDY}")
        tags.add(tag)
    if not tags:
        raise InputError(f"{path}: lists no recording; {REMEDY}")
    return sorted(tags)
