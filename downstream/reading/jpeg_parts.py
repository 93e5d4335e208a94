"""JPEGs of which a part can be decoded alone, in the time that the part takes.

A restart marker after each block of 16x16 px makes any rectangle of blocks a JPEG of its own: their codes one after the
other, the markers numbered anew, behind a header that says the rectangle's size. How many bytes each block takes is
told behind the JPEG's end. Any program reads the whole.
"""

from typing import NamedTuple

import cv2
import numpy as np

QUALITY = 90
"""The pictures that are encoded here were JPEGs before, and a second loss is to be small."""
_BLOCK = 16
"""Px of a side: colours have half the resolution, and are coded in blocks of 8."""
_LEAST = 5
"""Px of a side from which on libjpeg interpolates colours; those of narrower pictures it repeats."""
_SIZE, _CODES, _AFTER_BLOCKS, _END = b"\xff\xc0", b"\xff\xda", np.arange(0xD0, 0xD8, dtype=np.uint8), 0xD9
"""Markers: of the header's segment with the size, of its last, behind blocks in turn, and of the end."""
_COUNTS = np.dtype("<u2")


def encode(pixels: np.ndarray) -> bytes:
    """RGB (H, W, 3) uint8 as a JPEG, and the bytes that each block takes with its marker."""
    settings = {
        cv2.IMWRITE_JPEG_QUALITY: QUALITY,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR: cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420,
        cv2.IMWRITE_JPEG_RST_INTERVAL: 1,
        cv2.IMWRITE_JPEG_OPTIMIZE: 1,  # saves half of what the markers take
    }
    content = cv2.imencode(".jpg", np.ascontiguousarray(pixels[..., ::-1]), sum(settings.items(), ()))[1]
    segment = content.tobytes().index(_CODES) + 2
    codes = segment + int.from_bytes(content[segment : segment + 2])
    signs = codes + np.flatnonzero(content[codes:] == 0xFF)
    ends = signs[content[signs + 1] != 0] + 2  # a 0: it was a byte of the codes
    return content.tobytes() + np.diff(ends, prepend=codes).astype(_COUNTS).tobytes()


class JpegPixels:
    """The pixels of a JPEG from `encode`, (H, W, 3) uint8 RGB: ``pixels[y0:y1, x0:x1]`` decodes that part alone.

    Args:
        content: (bytes,) uint8, certain to be what `encode` made.
        shape: (H, W, 3).
    """

    def __init__(self, content: np.ndarray, shape: tuple[int, int, int]) -> None:
        self._content, self.shape = content, shape

    def __getitem__(self, part: tuple[slice, slice]) -> np.ndarray:
        """The bits that the whole picture has there."""
        rows, columns = (_Blocks.around(one, side) for one, side in zip(part, self.shape[:2], strict=True))
        return cv2.imdecode(self._alone(rows, columns), cv2.IMREAD_COLOR_RGB)[rows.part, columns.part]

    def _alone(self, rows: "_Blocks", columns: "_Blocks") -> np.ndarray:
        """A JPEG of a rectangle of blocks."""
        content, blocks = memoryview(self._content), (rows.count, columns.count)
        table = _COUNTS.itemsize * rows.count * columns.count
        counts = self._content[-table:].view(_COUNTS)
        ends = np.cumsum(counts, dtype=int)
        codes = len(content) - table - int(ends[-1])
        counts, ends = (values.reshape(blocks)[rows.taken, columns.taken] for values in (counts, ends))
        starts = ends[:, 0] - counts[:, 0]
        lines = zip((codes + starts).tolist(), (codes + ends[:, -1]).tolist(), strict=True)
        header = bytearray(content[:codes])
        size = header.index(_SIZE) + 5
        header[size : size + 4] = *divmod(rows.length, 256), *divmod(columns.length, 256)
        alone = np.frombuffer(bytearray().join([header, *(content[start:end] for start, end in lines)]), np.uint8)
        lengths = ends[:, -1] - starts
        shifts = codes + np.cumsum(lengths) - lengths - starts - 1
        alone[(ends + shifts[:, None]).ravel()] = np.resize(_AFTER_BLOCKS, counts.size)
        alone[-1] = _END
        return alone


class _Blocks(NamedTuple):
    """The blocks that hold a part of one side of a picture, and what else its colours are interpolated from.

    Attributes:
        count: blocks of the whole side.
        taken: those of the part.
        length: px of these.
        part: of these px.
    """

    count: int
    taken: slice
    length: int
    part: slice

    @classmethod
    def around(cls, part: slice, side: int) -> "_Blocks":
        start, stop, _ = part.indices(side)
        first = max(0, min(start - 1, side - _LEAST)) // _BLOCK  # colours are interpolated from the px before
        origin = _BLOCK * first
        # An odd number of px suffices, as colours come in pairs, and spares time: libjpeg-turbo writes rows that begin
        # at multiples of 32 bytes past the caches, which of an even width are many, and of an odd one few.
        end = min(max(stop | 1, origin + _LEAST), side)
        last = -(-end // _BLOCK)
        return cls(-(-side // _BLOCK), slice(first, last), end - origin, slice(start - origin, stop - origin))
