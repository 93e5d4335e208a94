"""LIP as it is distributed (Gong et al. 2017): images of one person each, and a label map for each image.

downstream/lip/files.py says what is on disk; label maps are 8-bit grey, 0 to 19. Everything, label maps included, is
read once and checked before a run starts: on one core this takes 1 ms a sample, and training takes hours.
"""

import io
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from downstream.lip.files import REMEDY, image_path, label_path, list_path
from downstream.lip.labels import IGNORED, NUM_CLASSES
from downstream.reading.frames import picture_size, read_picture
from liftedcl.files.image_files import process_images
from liftedcl.identity.errors import InputError

_EXTENSIONS = (".jpg", ".jpeg", ".png")
_GREY_8_BIT, _PALETTE = (8, 0), 3
_DEPTH, _COLOUR_TYPE = 24, 25
"""Where a PNG file says its bit depth and colour type (PNG specification, IHDR)."""


@dataclass(frozen=True)
class LipSamples:
    """N samples of a split.

    Attributes:
        root: folder of the data set.
        split: train or val.
        names: ids, without extension.
        sizes: (N, 2) int, width and height of image and label map in px.
    """

    root: Path
    split: str
    names: list[str]
    sizes: np.ndarray

    def __len__(self) -> int:
        return len(self.names)

    def label_path(self, i: int) -> Path:
        """Label map of sample ``i``."""
        return label_path(self.root, self.split, self.names[i])

    def image(self, i: int) -> np.ndarray:
        """Image (H, W, 3) uint8 RGB of sample ``i``; `InputError` when it is damaged."""
        return read_picture(image_path(self.root, self.split, self.names[i]), REMEDY)

    def label(self, i: int) -> np.ndarray:
        """Label map (H, W) uint8 of sample ``i``."""
        return read_label(self.label_path(i))


def read_lip(root: str | Path, split: str) -> LipSamples:
    """Read and check one split.

    Raises:
        InputError: an empty list, a missing or damaged file, an illegal class, an image and a label map of different
            sizes, or no pixel of the split with a class; the message names the files.
    """
    root, names = Path(root), read_names(list_path(root, split))

    def seen(name: str) -> tuple[int, int, bool]:
        labels = checked_labels(root, split, name)
        return labels.shape[1], labels.shape[0], bool((labels != IGNORED).any())

    widths, heights, labelled = zip(
        *process_images(seen, names, workers=None, title=f"lip {split}: checking"), strict=True
    )
    if not any(labelled):  # nothing to learn, and scores would divide by 0
        folder = label_path(root, split, names[0]).parent
        raise InputError(f"{folder}: every pixel of all {len(names):,} label maps is ignored ({IGNORED}); {REMEDY}")
    return LipSamples(root, split, names, np.stack([widths, heights], axis=1))


def read_names(path: Path) -> list[str]:
    """Ids of a list file, one a line, with or without the image's extension.

    Raises:
        InputError: the file is missing, empty or not text, or names a sample twice or outside its folder.
    """
    try:
        lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    except FileNotFoundError:
        raise InputError(f"{path}: not found; {REMEDY}") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: not a text file; {REMEDY}") from None
    names = [line[: -len(Path(line).suffix)] if Path(line).suffix in _EXTENSIONS else line for line in lines if line]
    if not names:
        raise InputError(f"{path}: names no sample; {REMEDY}")
    seen: set[str] = set()
    for i, name in enumerate(names):
        if Path(name).name != name:
            raise InputError(f"{path}: sample {i}: {name!r} is not the name of a picture; {REMEDY}")
        if name in seen:
            raise InputError(f"{path}: sample {i}: {name} occurs twice; {REMEDY}")
        seen.add(name)
    return names


def read_label(path: Path, remedy: str = REMEDY) -> np.ndarray:
    """Decode a label map into (H, W) uint8: classes 0 to 19, or 255 where pixels are ignored.

    It is a PNG with 8-bit grey values, like the official files, or with a palette whose indices are the classes, as
    published parsers save their results.

    Raises:
        InputError: missing, damaged, with colours instead of classes, or with a class that LIP doesn't have.
    """
    try:
        data = path.read_bytes()
        with Image.open(io.BytesIO(data), formats=("PNG",)) as picture:
            labels = np.asarray(picture)
    except FileNotFoundError:
        raise InputError(f"{path}: not found; {remedy}") from None
    except (OSError, SyntaxError, ValueError, zlib.error, Image.DecompressionBombError):
        raise InputError(f"{path}: truncated, damaged or not a PNG file; {remedy}") from None
    if (data[_DEPTH], data[_COLOUR_TYPE]) != _GREY_8_BIT and data[_COLOUR_TYPE] != _PALETTE:
        raise InputError(f"{path}: not an 8-bit grey PNG of class numbers, as LIP's are; {remedy}")
    illegal = (labels >= NUM_CLASSES) & (labels != IGNORED)
    if illegal.any():
        value, limit = labels[illegal][0], NUM_CLASSES - 1
        raise InputError(f"{path}: class {value} is not from 0 to {limit} (or {IGNORED}, ignored); {remedy}")
    return labels


def checked_labels(root: Path, split: str, name: str) -> np.ndarray:
    """Label map (H, W) of a sample, as from `read_label`; its image's header has to say the same size.

    Raises:
        InputError: a file is missing or damaged, a class is illegal, the sizes differ.
    """
    image, label = image_path(root, split, name), label_path(root, split, name)
    size = picture_size(image, REMEDY)
    labels = read_label(label)
    if labels.shape != size[::-1]:
        found = f"{labels.shape[1]} x {labels.shape[0]}"
        raise InputError(f"{image}: {size[0]} x {size[1]} px, but its label map {label} has {found}; {REMEDY}")
    return labels
