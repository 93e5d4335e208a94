"""Human3.6M parsing as `prepare-parsing` makes it: lists of frames, a picture and a label map for each. No torch."""

import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import cv2
import numpy as np

from downstream.h36m.parsing.labels import LABELS
from downstream.label_maps.reading import read_label
from downstream.reading.entries import Entries
from downstream.reading.frames import picture_header, read_picture
from liftedcl.data_sets.h36m.parsing_files import PARSING, PARSING_DEPTH, PARSING_LABELS
from liftedcl.files.atomic import require_file
from liftedcl.identity.errors import InputError

REMEDY = "docs/data/h36m.md, `Parsing`, says how it is made; or name the right folder with --config h36m=FOLDER"
PREDICTION_REMEDY = "docs/data/h36m.md, `Scoring a result`, says what it holds"
_FRAME = re.compile(r"(s_\d\d_act_\d\d_subact_\d\d_ca_\d\d)/\1_(\d{6})\.(?:jpg|png)")
_MM = 1000.0


@dataclass(frozen=True)
class ParsingSamples:
    """N frames of a split.

    Attributes:
        root: folder of the data set.
        pictures: their paths below it, such as ``parsing/images/s_01_.../s_01_..._000001.jpg``.
        depth: whether `image` gives depth maps.
    """

    root: Path
    pictures: list[str]
    depth: bool = False

    def __len__(self) -> int:
        return len(self.pictures)

    @property
    def names(self) -> list[str]:
        """Folder and file of each frame, without extension: those of label map and prediction."""
        return [frame_name(picture) for picture in self.pictures]

    def label_path(self, i: int) -> Path:
        """Label map of frame ``i``."""
        return self.root / PARSING_LABELS / f"{frame_name(self.pictures[i])}.png"

    def picture(self, i: int) -> np.ndarray:
        """Picture (H, W, 3) uint8 RGB of frame ``i``."""
        return read_picture(self.root / self.pictures[i], REMEDY)

    def image(self, i: int) -> np.ndarray:
        """What the encoder sees of frame ``i``: its picture, or depth (H, W, 1) float32 in metres, 0 where unknown."""
        if not self.depth:
            return self.picture(i)
        path = self.root / PARSING_DEPTH / f"{frame_name(self.pictures[i])}.png"
        return read_depth(path)[..., None]

    def label(self, i: int) -> np.ndarray:
        """Label map (H, W) uint8 of frame ``i``."""
        return read_label(self.label_path(i), LABELS, REMEDY)


def frame_name(picture: str) -> str:
    """The last folder and the file of a picture, without extension."""
    return PurePosixPath(*PurePosixPath(picture).parts[-2:]).with_suffix("").as_posix()


def read_parsing(root: str | Path, split: str, stride: int, *, depth: bool = False) -> ParsingSamples:
    """Read and check the list of one split; every ``stride``-th frame of the videos.

    Raises:
        InputError: an empty or damaged list; a missing or damaged picture or label map; one of each of other sizes.
    """
    root = Path(root)
    samples, entries = examine(root, split, stride, depth=depth)
    entries.finish()
    return samples


def examine(root: Path, split: str, stride: int, *, depth: bool = False) -> tuple[ParsingSamples, Entries]:
    """The frames of a split, and what is wrong with them; pictures and label maps are not decoded.

    Raises:
        InputError: the list is missing, damaged or empty.
    """
    path = root / PARSING[split]
    pictures = _listed(path)
    frames = np.array([int(_FRAME.search(picture)[2]) for picture in pictures])
    kept = np.flatnonzero((frames - 1) % stride == 0)
    if not len(kept):
        raise InputError(f"{path}: of its {len(pictures):,} frames none is every {stride}th of a video; {REMEDY}")
    samples = ParsingSamples(root, [pictures[n] for n in kept], depth)
    entries = Entries(path, REMEDY, kept.tolist(), samples.pictures)
    entries.pictures(root)
    for n in np.flatnonzero(entries.good):
        _check_size(samples, entries, n)
    return samples, entries


def _check_size(samples: ParsingSamples, entries: Entries, n: int) -> None:
    label, good = samples.label_path(n), np.ones(len(samples), bool)
    good[n] = False
    try:
        picture, found = (picture_header(path, "") for path in (samples.root / samples.pictures[n], label))
    except InputError as error:
        entries.check(good, str(error).removesuffix("; "))
        return
    size, other = (picture.width, picture.height), (found.width, found.height)
    if size != other:
        cause = ": it is transposed" if size == other[::-1] else ""
        entries.check(
            good, f"its label map {label} has {other[0]}x{other[1]} px, the picture {size[0]}x{size[1]}{cause}"
        )


def _listed(path: Path) -> list[str]:
    """Lines of a list; those that begin with # are comments."""
    require_file(path, REMEDY)
    try:
        lines = [line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines()]
    except UnicodeDecodeError:
        raise InputError(f"{path}: not a text file; {REMEDY}") from None
    pictures = [line for line in lines if line and not line.startswith("#")]
    if not pictures:
        raise InputError(f"{path}: names no frame; {REMEDY}")
    entries = Entries(path, REMEDY, range(len(pictures)), pictures)
    named = [_FRAME.search(picture) for picture in pictures]
    entries.check(np.array([match is not None and match.end() == len(picture)
                            for match, picture in zip(named, pictures, strict=True)]),
                  "is not the path of a frame such as images/s_01_act_02_subact_01_ca_01/..._000001.jpg")  # fmt: skip
    entries.finish()
    places = {frame_name(picture): n for n, picture in reversed(list(enumerate(pictures)))}
    entries.check(np.array([places[frame_name(picture)] == n for n, picture in enumerate(pictures)]), "occurs twice")
    entries.finish()
    return pictures


def read_depth(path: Path) -> np.ndarray:
    """Depth (H, W) float32 in metres of a 16-bit PNG in mm, 0 where it is unknown.

    Raises:
        InputError: the file is missing or damaged, or isn't 16-bit grey.
    """
    header = picture_header(path, REMEDY)
    stored = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_UNCHANGED)
    if stored is None or stored.dtype != np.uint16 or stored.shape != (header.height, header.width):
        raise InputError(f"{path}: not depth in millimetres, a 16-bit grey PNG, or damaged; {REMEDY}")
    return stored.astype(np.float32) / _MM
