"""What an image file says of itself before it is decoded: its size, held against sane limits, and its EXIF orientation.

Annotations in pixels are of the stored image, as COCO's are. Tools that turn a photograph by its EXIF tag before they
annotate it write those of another image: its size shows that for a quarter turn, and nothing does for a half turn.
"""

import os
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from PIL import Image

from liftedcl.files.atomic import special_file
from liftedcl.identity.errors import InputError

MOST_PIXELS = 1 << 28
"""Of an image, 0.8 GB as RGB; today's largest photographs have 200 million."""

TOLERATED_SHARE = 0.01
"""A larger share of unusable images or people means that the download, the disk or the annotations are at fault."""

_SMALL, _MOST_PIXELS_PER_BYTE = 1 << 24, 10_000
"""Above 17 million pixels, a file that is much smaller than deflate or Huffman codes allow holds no image."""

_TOO_LARGE = f"claims more than {MOST_PIXELS:,} pixels, the most that is read"

_ORIENTATION = 0x0112
_QUARTER_TURNS = (5, 6, 7, 8)

Image.MAX_IMAGE_PIXELS = MOST_PIXELS  # so that PIL neither warns nor gives up earlier
warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the error below says it in one line

REMOVE_TAG = "save the images upright without the tag, or remove the tag and annotate the stored pixels"


class BrokenImageError(Exception):
    """An image can't be used. The message is the reason."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(reason)
        self.path = path


@dataclass(frozen=True)
class ImageHeader:
    """Size of the stored image in pixels, and the EXIF tag that says how to turn it, 1 (upright) to 8."""

    width: int
    height: int
    orientation: int

    def check_size(self, path: Path, width: int, height: int) -> None:
        """Raise `BrokenImageError`, with the likely cause, unless ``width`` x ``height`` pixels are annotated."""
        if (self.width, self.height) == (width, height):
            return
        cause = ""
        if self.orientation in _QUARTER_TURNS and (self.height, self.width) == (width, height):
            cause = f": annotated as turned by EXIF tag {self.orientation}; {REMOVE_TAG}"
        elif (self.height, self.width) == (width, height):
            cause = ": width and height are exchanged"
        elif abs(self.width * height - width * self.height) < 0.02 * width * self.height:
            cause = ": the images were resized after they were annotated, or before"
        raise BrokenImageError(path, f"{self.width}x{self.height} pixels, {width}x{height} annotated{cause}")


class TurnEvidence:
    """Whether boxes and joints in pixels are of the stored images or of those that EXIF tags turn, over a data set.

    A quarter turn exchanges width and height: annotations of the stored size show that the tags were ignored, and those
    of the turned size fail in `ImageHeader.check_size`. Half turns and mirror images leave the size.
    """

    def __init__(self) -> None:
        self.unclear: list[str] = []
        """Images that a tag turns although their size doesn't show whether the annotations are turned too."""
        self._stored = False

    def see(self, name: str, header: ImageHeader) -> None:
        """Note an image of the annotated size."""
        if header.orientation in _QUARTER_TURNS and header.width != header.height:
            self._stored = True
        elif header.orientation != 1:
            self.unclear.append(name)

    def check(self, total: int, where: Path | str) -> str | None:
        """A line about unclear images among ``total``, None without any; ``where`` they are annotated.

        Raises:
            InputError: they are more than 1%.
        """
        if self._stored or not self.unclear:
            return None
        found = (
            f"{where}: {len(self.unclear)} of {total} images, the first is {self.unclear[0]}, have an EXIF tag that "
            "turns them, and nothing shows whether their annotations are of the stored or of the turned pixels"
        )
        if len(self.unclear) > TOLERATED_SHARE * total:
            raise InputError(f"{found}; {REMOVE_TAG}")
        return f"{found}; taken as of the stored ones"


def read_header(path: Path) -> ImageHeader:
    """The header of an image file, without decoding it.

    Raises:
        BrokenImageError: the file is missing, not an image, or claims more pixels than an image of its length can have.
    """
    require_no_pipe(path)
    try:
        with open(path, "rb") as file:
            return header_of(file, path)
    except FileNotFoundError:
        raise BrokenImageError(path, "not found") from None
    except OSError as error:
        raise BrokenImageError(path, error.strerror or str(error)) from None


def require_no_pipe(path: Path) -> None:
    """Raises `BrokenImageError` for what would be waited for without an end: a pipe or a device."""
    if kind := special_file(path):
        raise BrokenImageError(path, f"a {kind} and not a file")


def header_of(file: IO[bytes], path: Path) -> ImageHeader:
    """As `read_header`, from an open ``file``, which it leaves at an unknown place."""
    try:
        with Image.open(file) as image:
            (width, height), orientation = image.size, _orientation(image)
    except Image.DecompressionBombError:
        raise BrokenImageError(path, _TOO_LARGE) from None
    except Exception:  # the kind depends on the bytes
        raise BrokenImageError(path, "empty, truncated or not an image") from None
    if width * height > MOST_PIXELS:
        raise BrokenImageError(path, _TOO_LARGE)
    size = os.fstat(file.fileno()).st_size
    if width * height > max(_SMALL, _MOST_PIXELS_PER_BYTE * size):
        raise BrokenImageError(path, f"claims {width}x{height} pixels in {size:,} bytes, so it is damaged")
    return ImageHeader(width, height, orientation)


def _orientation(image: Image.Image) -> int:
    try:
        found = image.getexif().get(_ORIENTATION)
    except Exception:  # a damaged tag turns nothing
        return 1
    return found if found in range(1, 9) else 1
