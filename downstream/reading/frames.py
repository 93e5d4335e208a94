"""Decoded images: the region of each frame that its crops can reach, kept in memory as long as a budget lasts."""

from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np

from downstream.reading.jpeg_parts import JpegPixels
from liftedcl.files.image_files import read_image
from liftedcl.files.image_header import BrokenImageError, ImageHeader, read_header
from liftedcl.identity.errors import InputError

CACHE_BYTES = 2 << 30
"""Decoded regions kept per process; the demo's 1800 frames take 0.3 GB, the real set is decoded anew each epoch."""


class Region(NamedTuple):
    """A part of an image, perhaps resized.

    Attributes:
        pixels: (h, w, 3) uint8 RGB, not to be written to; of a JPEG, ``pixels[y0:y1, x0:x1]`` decodes that part.
        corner: (2,) int, x and y of its first pixel in the image.
        extent: (2,) int, its width and height in px of the image.
    """

    pixels: np.ndarray | JpegPixels
    corner: np.ndarray
    extent: np.ndarray

    @classmethod
    def whole(cls, image: np.ndarray) -> "Region":
        """All of an ``image`` (h, w, 3) uint8 RGB."""
        return cls(image, np.zeros(2, int), np.array(image.shape[1::-1]))

    @property
    def scale(self) -> np.ndarray:
        """Pixels of the region a pixel of the image, (2,): along x and along y."""
        return np.array(self.pixels.shape[1::-1]) / self.extent


class Regions(Protocol):
    """The region of each of N samples: decoded from frames, or cut and packed before (region_shard.py)."""

    def region(self, index: int) -> Region:
        """Raises `InputError` where the file that holds it is missing or damaged."""


class Frames:
    """Regions of the frames of a data set, as they are there: none is resized.

    Args:
        root: folder of the images.
        names: N file names below it; the same frame may occur several times.
        sizes: expected width and height (N, 2) in px; None where the annotations don't say.
        regions: what to keep of each frame, (N, 4: x0, y0, x1, y1) in px; cut to the frame.
        cache_bytes: decoded regions kept in memory.
    """

    def __init__(
        self, root: Path, names: list[str], sizes: np.ndarray | None, regions: np.ndarray, *, cache_bytes: int
    ) -> None:
        self._root, self._names, self._sizes, self._regions = root, names, sizes, regions
        self._cache: dict[int, Region] = {}
        self._bytes_left = cache_bytes
        self._latest: tuple[str, np.ndarray] | None = None

    def region(self, index: int) -> Region:
        """What is kept of frame ``index``.

        Raises:
            InputError: the image is missing, damaged or of another size than annotated.
        """
        if index in self._cache:
            return self._cache[index]
        frame = self._frame(index)
        size = np.array(frame.shape[1::-1])
        corner = np.clip(np.floor(self._regions[index, :2]), 0, size - 1).astype(int)
        end = np.clip(np.ceil(self._regions[index, 2:]), corner + 1, size).astype(int)
        region = frame[corner[1] : end[1], corner[0] : end[0]]
        if region.nbytes <= self._bytes_left:
            region = np.ascontiguousarray(region)  # frees the rest of the frame
            self._bytes_left -= region.nbytes
            self._cache[index] = Region(region, corner, end - corner)
            return self._cache[index]
        return Region(region, corner, end - corner)

    def _frame(self, index: int) -> np.ndarray:
        name = self._names[index]
        if self._latest is None or self._latest[0] != name:  # the people of one image tend to follow each other
            self._latest = name, read_picture(self._root / name)
        frame = self._latest[1]
        if self._sizes is not None and frame.shape[1::-1] != tuple(self._sizes[index]):
            path = self._root / name
            try:  # the header knows the likely cause
                read_header(path).check_size(path, *map(int, self._sizes[index]))
            except BrokenImageError as error:
                raise InputError(f"{path}: {error}; see docs/data.md") from None
        return frame


def picture_size(path: Path, remedy: str = "copy or generate it again, see docs/data.md") -> tuple[int, int]:
    """Width and height that an image file says it has. Raises `InputError` for one that is missing or damaged."""
    header = picture_header(path, remedy)
    return header.width, header.height


def picture_header(path: Path, remedy: str) -> ImageHeader:
    """As `read_header`, with an `InputError` for an image that is missing or damaged."""
    try:
        return read_header(path)
    except BrokenImageError as error:
        raise InputError(f"{path}: {error}; {remedy}") from None


def read_picture(path: Path, remedy: str = "copy or generate it again, see docs/data.md") -> np.ndarray:
    """RGB (H, W, 3) uint8. Raises `InputError` with the path and ``remedy`` for one that is missing or damaged."""
    try:
        return read_image(path)
    except BrokenImageError as error:
        raise InputError(f"{path}: {error}; {remedy}") from None
