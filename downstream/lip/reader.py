"""LIP as it is distributed (Gong et al. 2017): images of one person each, and a label map for each image.

downstream/lip/files.py says what is on disk; `read_label` says what a label map can be. Everything, label maps
included, is read once and checked before a run starts: on one core this takes 1 ms a sample, and training takes hours.
"""

import codecs
import io
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from downstream.lip.files import REMEDY, image_path, label_path, list_path
from downstream.lip.labels import IGNORED, NUM_CLASSES
from downstream.reading.entries import Entries, WrongEntriesError
from downstream.reading.frames import picture_header, read_picture
from liftedcl.files.atomic import require_file
from liftedcl.files.image_files import process_images
from liftedcl.files.image_header import ImageHeader, TurnEvidence
from liftedcl.identity.errors import InputError

_EXTENSIONS = (".jpg", ".jpeg", ".png")
_DEPTH, _COLOUR_TYPE = 24, 25
"""Where a PNG file says its bit depth and colour type (PNG specification, IHDR)."""
_GREY, _PALETTE, _GREY_ALPHA, _RGB_ALPHA = 0, 3, 4, 6
"""Colour types."""


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
            sizes, images that an EXIF tag may have turned before they were labelled, or no pixel of the split with a
            class; the message names the files.
    """
    root, names = Path(root), read_names(list_path(root, split))
    sizes, problems, _ = examine(root, split, names)
    if problems:
        raise WrongEntriesError(problems, REMEDY)
    return LipSamples(root, split, names, np.array(sizes))


def examine(root: Path, split: str, names: list[str]) -> tuple[list[tuple[int, int]], list[str], str | None]:
    """Read every label map.

    Returns:
        Sizes (width, height) of those that are whole; all faults, a line each; and a line about a few images whose
        labels may be of the pixels as an EXIF tag turns them (see `TurnEvidence`), None without any.
    """

    def seen(name: str) -> tuple[ImageHeader, np.ndarray] | InputError:
        try:
            return _checked(root, split, name)
        except InputError as error:
            return error

    sizes, problems, labelled, turns, unclear = [], [], False, TurnEvidence(), None
    for name, found in zip(
        names, process_images(seen, names, workers=None, title=f"lip {split}: checking"), strict=True
    ):
        if isinstance(found, InputError):
            problems.append(str(found).removesuffix(f"; {REMEDY}"))
        else:
            header, labels = found
            turns.see(image_path(root, split, name).name, header)
            sizes.append(labels.shape[::-1])
            labelled |= bool((labels != IGNORED).any())
    folder = label_path(root, split, names[0]).parent
    if not labelled and not problems:  # nothing to learn, and scores would divide by 0
        problems.append(f"{folder}: every pixel of all {len(names):,} label maps is ignored ({IGNORED})")
    try:
        unclear = turns.check(len(names), folder)
    except InputError as error:
        problems.append(str(error))
    return sizes, problems, unclear


def read_names(path: Path) -> list[str]:
    """Ids of a list file, one a line, with or without the image's extension; UTF-8, or UTF-16 that says so.

    Raises:
        InputError: the file is missing, empty or not text, or names a sample twice or outside its folder.
    """
    try:
        content = path.read_bytes()
        encoding = "utf-16" if content[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else "utf-8-sig"
        lines = [line.strip() for line in content.decode(encoding).splitlines()]
    except FileNotFoundError:
        raise InputError(f"{path}: not found; {REMEDY}") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: not a text file; {REMEDY}") from None
    names = [line[: -len(Path(line).suffix)] if Path(line).suffix in _EXTENSIONS else line for line in lines if line]
    if not names:
        raise InputError(f"{path}: names no sample; {REMEDY}")
    entries = Entries(path, REMEDY, range(len(names)), names)
    entries.check(
        np.array([Path(name).name == name and "\0" not in name for name in names]), "is not the name of a picture"
    )
    columns = [len(line.split()) > 1 and Path(line.split()[0]).suffix in _EXTENSIONS for line in lines if line]
    entries.check(~np.array(columns), "holds several names; a line holds one id")
    places = {name: n for n, name in reversed(list(enumerate(names)))}
    entries.check(np.array([places[name] == n for n, name in enumerate(names)]), "occurs twice")
    entries.finish()
    return names


def read_label(path: Path, remedy: str = REMEDY) -> np.ndarray:
    """Decode a label map into (H, W) uint8: classes 0 to 19, or 255 where pixels are ignored.

    It is a PNG that has one class number for each pixel: 8-bit grey, like the official files, 16-bit grey, the indices
    of a palette, as published parsers save their results, or equal colour channels without transparency.

    Raises:
        InputError: missing, damaged, with colours instead of classes, or with a class that LIP doesn't have.
    """
    require_file(path, remedy)
    try:
        data = path.read_bytes()
        with Image.open(io.BytesIO(data), formats=("PNG",)) as picture:
            picture.verify()  # every checksum; decoding skips those of the pixels
        with Image.open(io.BytesIO(data), formats=("PNG",)) as picture:
            labels = _one_number(np.asarray(picture), data[_DEPTH], data[_COLOUR_TYPE])
    except (OSError, SyntaxError, ValueError, IndexError, zlib.error, Image.DecompressionBombError):
        raise InputError(f"{path}: truncated, damaged or not a PNG file; {remedy}") from None
    if labels is None:
        raise InputError(
            f"{path}: holds colours, or grey of less than 8 bits, and not one class number for each pixel; save the "
            f"numbers, with PIL: Image.fromarray(classes.astype('uint8')).save({path.name!r}); {remedy}"
        )
    illegal = (labels >= NUM_CLASSES) & (labels != IGNORED)
    if illegal.any():
        value, limit = labels[illegal][0], NUM_CLASSES - 1
        raise InputError(f"{path}: class {value} is not from 0 to {limit} (or {IGNORED}, ignored); {remedy}")
    return labels.astype(np.uint8)


def _one_number(values: np.ndarray, depth: int, colour_type: int) -> np.ndarray | None:
    """The number (H, W) that each pixel of a decoded PNG holds; None where it holds no single one.

    Grey of 1, 2 or 4 bits is none, because PIL stretches it to 255, and because a tool that saves bits writes grey
    levels in it, where another writes classes.
    """
    if colour_type == _PALETTE or (colour_type == _GREY and depth >= 8):
        return values
    if values.ndim == 2 or depth != 8:
        return None
    alpha = colour_type in (_GREY_ALPHA, _RGB_ALPHA)
    colours = values[..., :-1] if alpha else values
    same = (colours == colours[..., :1]).all() and (not alpha or (values[..., -1] == 255).all())
    return colours[..., 0] if same else None


def _checked(root: Path, split: str, name: str) -> tuple[ImageHeader, np.ndarray]:
    """An image's header, which has to say the size of its label map (H, W), and that, as from `read_label`.

    Raises:
        InputError: a file is missing or damaged, a class is illegal, the sizes differ.
    """
    image, label = image_path(root, split, name), label_path(root, split, name)
    header = picture_header(image, REMEDY)
    labels, size = read_label(label), (header.width, header.height)
    if labels.shape != size[::-1]:
        found, cause, tag = f"{labels.shape[1]} x {labels.shape[0]}", "", header.orientation
        if labels.shape == size:
            cause = f": annotated as turned by EXIF tag {tag}" if tag >= 5 else ": one of them is turned"
        raise InputError(f"{image}: {size[0]} x {size[1]} px, but its label map {label} has {found}{cause}; {REMEDY}")
    return header, labels
