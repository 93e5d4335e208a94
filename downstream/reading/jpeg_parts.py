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
_EDGE = 1
"""Px beside a part from which its colours are interpolated."""
_SIZE, _CODES, _AFTER_BLOCK, _END = b"\xff\xc0", b"\xff\xda", 0xD0, 0xD9
"""Markers: of the header's segment with the size, of its last, behind a block (0xD0 to 0xD7), and of the end."""
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
        content, blocks = self._content, (rows.count, columns.count)
        table = _COUNTS.itemsize * rows.count * columns.count
        counts = content[-table:].view(_COUNTS)
        ends = np.cumsum(counts, dtype=int)
        codes = len(content) - table - int(ends[-1])
        counts, ends = (values.reshape(blocks)[rows.taken, columns.taken] for values in (counts, codes + ends))
        lines = zip((ends[:, 0] - counts[:, 0]).tolist(), ends[:, -1].tolist(), strict=True)
        alone = np.concatenate([content[:codes], *(content[start:end] for start, end in lines)])
        size = alone[:codes].tobytes().index(_SIZE) + 5
        alone[size : size + 4] = *divmod(rows.length, 256), *divmod(columns.length, 256)
        numbers = codes + np.cumsum(counts, dtype=int) - 1
        alone[numbers] = _AFTER_BLOCK + np.arange(len(numbers)) % 8
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
        first, last = max(0, start - _EDGE) // _BLOCK, -(-min(stop + _EDGE, side) // _BLOCK)
        origin = _BLOCK * first
        length = min(_BLOCK * last, side) - origin
        return cls(-(-side // _BLOCK), slice(first, last), length, slice(start - origin, stop - origin))
