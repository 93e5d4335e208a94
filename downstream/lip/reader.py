"""LIP as it is distributed (Gong et al. 2017): images of one person each, and a label map for each image.

downstream/lip/files.py says what is on disk, downstream/label_maps/reading.py what a label map can be. Everything,
label maps included, is read once and checked before a run starts: that takes 1 ms a sample, and training takes hours.
"""

import codecs
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from downstream.label_maps.classes import IGNORED
from downstream.label_maps.reading import read_label as decode_label
from downstream.lip.files import REMEDY, image_path, label_path, list_path
from downstream.lip.labels import LABELS
from downstream.reading.entries import Entries, WrongEntriesError
from downstream.reading.frames import picture_header, read_picture
from liftedcl.files.image_files import process_images
from liftedcl.files.image_header import ImageHeader, TurnEvidence
from liftedcl.identity.errors import InputError

_EXTENSIONS = (".jpg", ".jpeg", ".png")


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
    """A label map (H, W) uint8 of LIP's classes; as `label_maps.reading.read_label`."""
    return decode_label(path, LABELS, remedy)


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
