"""Regions of images, cut and packed before: a folder with their pixels, an index and a description.

``pixels.bin`` holds one region after the other, each as a JPEG or as raw bytes, ``index.csv`` a line for each with
the CRC-32 of its bytes, and ``shard.json`` the checksums of both files and what the regions were cut for. The JSON is
written last, so a folder that has one is whole. Regions differ in size, which is why this is not a
`liftedcl.images.shard`. The index's checksum is compared when a shard is opened, a region's when it is first read.
"""

import zlib
from pathlib import Path
from typing import Any

import numpy as np

from downstream.reading.frames import Region
from downstream.reading.jpeg_parts import JpegPixels
from downstream.reading.region_files import DESCRIPTION, FORMATS, INDEX, PIXELS
from liftedcl.files.atomic import read_json, require_file, sha256_of_file
from liftedcl.identity.errors import InputError

COLUMNS = ("row", "x", "y", "width", "height", "columns", "lines", "channels", "offset", "bytes", "crc32")
"""Of the index: the sample, its region in px of the image, the pixels that it is packed with, and their place."""

VERSION = 2
"""Of what is packed, which is not read as another one: JPEGs are those of jpeg_parts.py."""
REMEDY = "remove the folder and pack it again with python -m downstream.cut_regions"


class RegionShard:
    """An open shard; `region` has the samples in the order of the training set."""

    def __init__(self, folder: str | Path, cut_for: str) -> None:
        """Open a shard without reading its pixels.

        Args:
            cut_for: `RegionPlan.digest` of the regions that are wanted.

        Raises:
            InputError: a file is missing, cut off or damaged, or the regions were cut for something else.
        """
        import pandas as pd

        self._folder = Path(folder)
        description, table, pixels = (self._folder / name for name in (DESCRIPTION, INDEX, PIXELS))
        meta = _described(description)
        if meta["cut_for"] != cut_for:
            raise InputError(f"{description}: cut for another recipe or other annotations than this run's; {REMEDY}")
        require_file(table, REMEDY)
        require_file(pixels, REMEDY)
        if sha256_of_file(table) != meta["index_sha256"]:
            raise InputError(f"{table}: its checksum is not the one in {DESCRIPTION}; {REMEDY}")
        if (size := pixels.stat().st_size) != meta["bytes"]:
            raise InputError(f"{pixels}: {size} bytes, {DESCRIPTION} says {meta['bytes']}; {REMEDY}")
        self._raw, self._size = meta["format"] == "raw", size
        rows = pd.read_csv(table).sort_values("row", kind="stable")
        self._entries = rows.to_numpy(np.int64)[:, 1:]
        self._compared = np.zeros(len(rows), bool)
        # The file is opened again in each process that reads it: an inherited one would share its position.
        self._map: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self._entries)

    def __getstate__(self) -> dict[str, object]:
        return self.__dict__ | {"_map": None}

    def region(self, index: int) -> Region:
        """The region of sample ``index``; raw ones are read in place, JPEGs where their pixels are asked for.

        Raises:
            InputError: its bytes are not those that were packed, or the file changed its size since it was opened,
                where reading its map would end the process without a message.
        """
        x, y, width, height, columns, lines, channels, offset, count, crc = self._entries[index].tolist()
        content = self._pixels()[offset : offset + count]
        if not self._compared[index]:
            if zlib.crc32(content) != crc:
                path = self._folder / PIXELS
                raise InputError(f"{path}: region {index} is damaged, its checksum differs; {REMEDY}")
            self._compared[index] = True
        if self._raw or channels == 1:
            pixels = content.reshape((lines, columns, channels)[: 2 if channels == 1 else 3])
        else:
            pixels = JpegPixels(content, (lines, columns, channels))
        return Region(pixels, np.array([x, y]), np.array([width, height]))

    def _pixels(self) -> np.ndarray:
        path = self._folder / PIXELS
        try:
            size = path.stat().st_size
        except OSError as error:
            raise InputError(f"{path}: {error.strerror}, while it is being read; {REMEDY}") from None
        if size != self._size:
            raise InputError(f"{path}: now {size} bytes, {self._size} when it was opened; {REMEDY}")
        if self._map is None:
            self._map = np.asarray(np.memmap(path, np.uint8, "r"))
        return self._map


def checksum_of(folder: Path) -> str:
    """Hex SHA-256 of the pixels of a shard. Raises `InputError` for one that is not complete."""
    return _described(folder / DESCRIPTION)["sha256"]


def _described(description: Path) -> dict[str, Any]:
    meta = read_json(description, f"the regions are not complete; {REMEDY}")
    keys = {"version": int, "cut_for": str, "format": str, "bytes": int, "sha256": str, "index_sha256": str}
    if (
        not isinstance(meta, dict)
        or any(type(meta.get(key)) is not kind for key, kind in keys.items())
        or (meta["version"], meta["format"]) not in [(VERSION, format) for format in FORMATS]
    ):
        raise InputError(f"{description}: does not describe regions as this version packs them; {REMEDY}")
    return meta
