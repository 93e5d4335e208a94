"""A shard: many equally sized RGB images in one memory-mapped file, with an index and a description beside it.

``NAME.npy`` holds the pixels, (N, H, W, 3) uint8, ``NAME.csv`` one line per image, ``NAME.json`` count, size, checksum
and the packer's report. The JSON is removed first and written last, so a shard that has one is whole.
"""

import contextlib
import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Self

import numpy as np

from liftedcl.files.atomic import atomic_path, read_json, sha256_of_file, write_json
from liftedcl.identity.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

REMEDY = "remove it and run the command that packs it again"


@dataclass(frozen=True)
class Shard:
    """An open shard: ``images`` (N, H, W, 3) uint8 RGB, memory-mapped; ``index``, a row each; ``meta``, the JSON."""

    path: Path
    images: np.memmap
    index: "pd.DataFrame"
    meta: dict[str, Any]

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

    def gather(self, rows: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
        """The images of ``rows`` (B,), integers from 0 to N - 1, copied to ``out`` or a new array, (B, H, W, 3) uint8.

        Raises:
            InputError: the file has been cut off or removed since it was opened. Reading its map would be a SIGBUS,
                which ends the process without a message. A failing disk still does that.
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
        return np.take(np.asarray(self.images), rows, axis=0, out=out, mode="clip")


class ShardWriter:
    """Streams images into a shard, which appears only if the ``with`` block ends without an error.

    Pixels are written sequentially: a full disk is then an `OSError`, not the SIGBUS of a memory map.
    """

    def __init__(self, path: str | Path, height: int, width: int, columns: Sequence[str]) -> None:
        self.path = Path(path)
        if self.path.suffix != ".npy":
            raise InputError(f"{path}: a shard is a .npy file; choose a name that ends in .npy")
        self.columns = tuple(columns)
        self.shape = (height, width, 3)
        self.report: dict[str, Any] = {}
        """Goes into the description; set it before the block ends."""
        self._rows: list[tuple[Any, ...]] = []

    def __enter__(self) -> Self:
        self._files = contextlib.ExitStack()
        # Entered first, so renamed last: an index never exists without its pixels.
        self._index = self._files.enter_context(atomic_path(self.path.with_suffix(".csv")))
        part = self._files.enter_context(atomic_path(self.path))
        self._pixels = self._files.enter_context(open(part, "wb"))
        self._header_bytes = _write_header(self._pixels, 0, self.shape)
        return self

    def append(self, image: np.ndarray, row: Sequence[Any]) -> None:
        """Add one (H, W, 3) uint8 RGB image and its row of the index, one value per column."""
        if len(row) != len(self.columns):
            raise ValueError(f"a row of {len(self.columns)} values is expected, not {len(row)}")
        if image.shape != self.shape or image.dtype != np.uint8:
            raise ValueError(f"an image of {self.shape} uint8 is expected, not {image.shape} {image.dtype}")
        self._pixels.write(np.ascontiguousarray(image).data)
        self._rows.append(tuple(row))

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        if isinstance(error, OSError) and error.filename is None:
            error.filename = str(self.path)  # the error of a failed write doesn't name the file
        if kind is not None:
            self._files.__exit__(kind, error, trace)
            return
        description = self.path.with_suffix(".json")
        with self._files:  # closes the pixels and renames both files
            self._pixels.seek(0)
            if _write_header(self._pixels, len(self._rows), self.shape) != self._header_bytes:
                raise AssertionError("numpy's header has grown; it would overwrite pixels")
            with open(self._index, "w", newline="", encoding="utf-8") as file:
                csv.writer(file, lineterminator="\n").writerows([self.columns, *self._rows])
            description.unlink(missing_ok=True)
        height, width, _ = self.shape
        meta = {"count": len(self._rows), "height": height, "width": width, "sha256": sha256_of_file(self.path)}
        write_json(description, {**meta, "report": self.report})


def open_shard(path: str | Path) -> Shard:
    """Open a shard for reading, without reading its pixels.

    Raises:
        InputError: one of the three files is missing or cut off, or they don't belong together.
    """
    import pandas as pd

    path = Path(path)
    description, table = path.with_suffix(".json"), path.with_suffix(".csv")
    meta = read_json(description, f"the shard is not complete, {REMEDY}")
    try:
        shape = (int(meta["count"]), int(meta["height"]), int(meta["width"]), 3)
        whole = isinstance(meta["sha256"], str)
    except (KeyError, TypeError, ValueError, OverflowError):
        whole = False
    if not whole:
        raise InputError(f"{description}: does not describe a shard; {REMEDY}")
    try:
        images = np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise InputError(f"{path}: not found; {REMEDY}") from None
    except (ValueError, EOFError) as error:
        raise InputError(f"{path}: truncated or damaged ({error}); {REMEDY}") from None
    if not isinstance(images, np.memmap) or images.dtype != np.uint8 or images.shape != shape:
        raise InputError(f"{path}: holds {images.shape} {images.dtype}, {description.name} says {shape}; {REMEDY}")
    if path.stat().st_size != images.offset + images.nbytes:
        raise InputError(f"{path}: {path.stat().st_size} bytes, {images.offset + images.nbytes} expected; {REMEDY}")
    try:
        index = pd.read_csv(table, keep_default_na=False)  # a class may be called "NA"
    except FileNotFoundError:
        raise InputError(f"{table}: not found; {REMEDY}") from None
    except (ValueError, UnicodeDecodeError) as error:
        raise InputError(f"{table}: not a readable table ({error}); {REMEDY}") from None
    if len(index) != len(images):
        raise InputError(f"{table}: {len(index)} rows for {len(images)} images; {REMEDY}")
    return Shard(path=path, images=images, index=index, meta=meta)


def _write_header(file: IO[bytes], count: int, shape: tuple[int, int, int]) -> int:
    """Write the .npy header and return its length. numpy pads it, so the first axis can grow later."""
    header = {"descr": "|u1", "fortran_order": False, "shape": (count, *shape)}
    np.lib.format.write_array_header_1_0(file, header)
    return file.tell()
