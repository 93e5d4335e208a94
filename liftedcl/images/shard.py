"""A shard: many equally sized images in one memory-mapped file, with an index and a description beside it.

``NAME.npy`` holds the pixels, (N, H, W, 3) uint8 of RGB or (N, H, W) uint16 of depth, ``NAME.csv`` one line per image
with the CRC-32 of its pixels, and ``NAME.json`` count, size, the checksums of both files and the packer's report. The
JSON is removed first and appears last, so a shard that has one is whole. Both checksums are compared: the index's when
a shard is opened, an image's when it is first read, because ImageNet packed is some 400 GB.
"""

import contextlib
import csv
import functools
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np

from liftedcl.files.array_file import read_array
from liftedcl.files.atomic import atomic_path, json_text, read_json, require_file, sha256_of_file
from liftedcl.identity.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

REMEDY = "remove it and run the command that packs it again"
_CRC = "crc32"


class Pixels(NamedTuple):
    """What an image of a shard consists of: numpy's name of the numbers, and the shape of one pixel."""

    numbers: str
    shape: tuple[int, ...]


RGB = Pixels("|u1", (3,))
DEPTH = Pixels("<u2", ())
"""In millimetres; 0 where nothing was measured."""


@dataclass(frozen=True)
class Shard:
    """An open shard: ``images`` (N, H, W, 3) uint8 RGB, or (N, H, W) uint16 depth, memory-mapped; ``index``, a row
    each; ``meta``, the JSON.

    ``checksums`` (N,) are the CRC-32 of each image's pixels.
    """

    path: Path
    images: np.memmap
    index: "pd.DataFrame"
    meta: dict[str, Any]
    checksums: np.ndarray

    def __len__(self) -> int:
        return len(self.images)

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.images.shape[1:3]

    @property
    def checksum(self) -> str:
        """Hex SHA-256 of the pixels' file."""
        return self.meta["sha256"]

    @functools.cached_property
    def _compared(self) -> np.ndarray:
        """Whether each image's checksum has been compared since the shard was opened, (N,)."""
        return np.zeros(len(self), bool)

    def gather(self, rows: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
        """The images of ``rows`` (B,), integers from 0 to N - 1, copied to ``out`` or a new array, shaped as they.

        Raises:
            InputError: an image isn't what was packed, or the file has been cut off or removed since it was opened.
                Reading its map would be a SIGBUS, which ends the process without a message. A failing disk still does
                that.
        """
        whole = self.images.offset + self.images.nbytes
        try:
            size = self.path.stat().st_size
        except OSError as error:
            raise InputError(f"{self.path}: {error.strerror}, while it is being read; {REMEDY}") from None
        if size != whole:
            raise InputError(f"{self.path}: now {size} bytes, {whole} when it was opened; {REMEDY}")
        if len(rows) and not 0 <= rows.min() <= rows.max() < len(self):
            raise IndexError(f"rows from {rows.min()} to {rows.max()} of {len(self)}")
        # Rows are checked above, because with an ``out`` numpy's own check makes a second copy of everything.
        images = np.take(np.asarray(self.images), rows, axis=0, out=out, mode="clip")
        for place in np.flatnonzero(~self._compared[rows]):
            if zlib.crc32(images[place]) != self.checksums[rows[place]]:
                raise InputError(f"{self.path}: image {rows[place]} is damaged, its checksum differs; {REMEDY}")
        self._compared[rows] = True
        return images


class ShardWriter:
    """Streams images into a shard, which appears only if the ``with`` block ends without an error.

    Pixels are written sequentially: a full disk is then an `OSError`, not the SIGBUS of a memory map.
    """

    def __init__(self, path: str | Path, height: int, width: int, columns: Sequence[str], pixels: Pixels = RGB) -> None:
        self.path = Path(path)
        if self.path.suffix != ".npy":
            raise InputError(f"{path}: a shard is a .npy file; choose a name that ends in .npy")
        self.columns = tuple(columns)
        self.shape, self._numbers = (height, width, *pixels.shape), pixels.numbers
        self.report: dict[str, Any] = {}
        """Goes into the description; set it before the block ends."""
        self._rows: list[tuple[Any, ...]] = []

    def __enter__(self) -> Self:
        self._files = contextlib.ExitStack()
        # Renamed in the reverse order: an index never exists without its pixels, nor a description without both.
        paths = (self.path.with_suffix(".json"), self.path.with_suffix(".csv"), self.path)
        self._description, self._index, self._part = (self._files.enter_context(atomic_path(path)) for path in paths)
        self._pixels = self._files.enter_context(open(self._part, "wb"))
        self._header_bytes = _write_header(self._pixels, 0, self.shape, self._numbers)
        return self

    def append(self, image: np.ndarray, row: Sequence[Any]) -> None:
        """Add one image of the shard's size and numbers, and its row of the index, one value per column."""
        if len(row) != len(self.columns):
            raise ValueError(f"a row of {len(self.columns)} values is expected, not {len(row)}")
        if image.shape != self.shape or image.dtype != self._numbers:
            raise ValueError(f"an image of {self.shape} {self._numbers} is expected, not {image.shape} {image.dtype}")
        pixels = np.ascontiguousarray(image).data
        self._pixels.write(pixels)
        self._rows.append((*row, zlib.crc32(pixels)))

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        if isinstance(error, OSError) and error.filename is None:
            error.filename = str(self.path)  # the error of a failed write doesn't name the file
        if kind is not None:
            self._files.__exit__(kind, error, trace)
            return
        with self._files:  # closes the pixels and renames the files
            self._pixels.seek(0)
            if _write_header(self._pixels, len(self._rows), self.shape, self._numbers) != self._header_bytes:
                raise AssertionError("numpy's header has grown; it would overwrite pixels")
            self._pixels.flush()
            with open(self._index, "w", newline="", encoding="utf-8") as file:
                csv.writer(file, lineterminator="\n").writerows([(*self.columns, _CRC), *self._rows])
            height, width = self.shape[:2]
            meta = {"count": len(self._rows), "height": height, "width": width, "report": self.report}
            meta |= {"sha256": sha256_of_file(self._part), "index_sha256": sha256_of_file(self._index)}
            self._description.write_text(json_text(meta), encoding="utf-8")
            self.path.with_suffix(".json").unlink(missing_ok=True)


def open_shard(path: str | Path, pixels: Pixels = RGB) -> Shard:
    """Open a shard of such ``pixels`` for reading, without reading them.

    Raises:
        InputError: one of the three files is missing, cut off or damaged, or they don't belong together.
    """
    import pandas as pd

    path = Path(path)
    description, table = path.with_suffix(".json"), path.with_suffix(".csv")
    meta = read_json(description, f"the shard is not complete, {REMEDY}")
    try:
        shape = (int(meta["count"]), int(meta["height"]), int(meta["width"]), *pixels.shape)
        whole = isinstance(meta["sha256"], str) and isinstance(meta["index_sha256"], str)
    except (KeyError, TypeError, ValueError, OverflowError):
        whole = False
    if not whole:
        raise InputError(f"{description}: does not describe a shard; {REMEDY}")
    images = read_array(path, REMEDY, mapped=True)
    if not isinstance(images, np.memmap) or images.dtype != pixels.numbers or images.shape != shape:
        raise InputError(f"{path}: holds {images.shape} {images.dtype}, {description.name} says {shape}; {REMEDY}")
    require_file(table, REMEDY)
    if sha256_of_file(table) != meta["index_sha256"]:
        raise InputError(f"{table}: its checksum is not the one in {description.name}; {REMEDY}")
    index = pd.read_csv(table, keep_default_na=False)  # a class may be called "NA"
    if len(index) != len(images) or _CRC not in index:
        raise InputError(f"{table}: {len(index)} rows of {', '.join(index)} for {len(images)} images; {REMEDY}")
    return Shard(path=path, images=images, index=index, meta=meta, checksums=index.pop(_CRC).to_numpy())


def _write_header(file: IO[bytes], count: int, shape: tuple[int, ...], numbers: str) -> int:
    """Write the .npy header and return its length. numpy pads it, so the first axis can grow later."""
    header = {"descr": numbers, "fortran_order": False, "shape": (count, *shape)}
    np.lib.format.write_array_header_1_0(file, header)
    return file.tell()
