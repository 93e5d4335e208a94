"""Decoded pictures: the region of each frame that its crops can reach, kept in memory as long as a budget lasts."""

from pathlib import Path

import numpy as np

from liftedcl.errors import InputError
from liftedcl.image_files import BrokenImageError, read_image

CACHE_BYTES = 2 << 30
"""Decoded regions kept per process; the demo's 1800 frames take 0.3 GB, the real set is decoded anew each epoch."""


class Frames:
    """Regions of the frames of a data set.

    Args:
        root: folder of the pictures.
        names: file names below it, N of them.
        sizes: expected width and height (N, 2) in px.
        regions: what to keep of each frame, (N, 4: x0, y0, x1, y1) in px; cut to the frame.
        cache_bytes: decoded regions kept in memory.
    """

    def __init__(
        self, root: Path, names: list[str], sizes: np.ndarray, regions: np.ndarray, *, cache_bytes: int
    ) -> None:
        self._root, self._names, self._sizes = root, names, sizes
        low = np.clip(np.floor(regions[:, :2]), 0, sizes - 1)
        high = np.clip(np.ceil(regions[:, 2:]), low + 1, sizes)
        self._regions = np.concatenate([low, high], axis=1).astype(int)
        self._cache: dict[int, np.ndarray] = {}
        self._bytes_left = cache_bytes

    def region(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """RGB region (h, w, 3) uint8, not to be written to, and its corner (x0, y0) in the frame.

        Raises:
            InputError: the picture is missing, damaged or of another size than annotated.
        """
        x0, y0, x1, y1 = self._regions[index]
        region = self._cache.get(index)
        if region is None:
            frame = _read(self._root / self._names[index])
            if frame.shape[1::-1] != tuple(self._sizes[index]):
                found, expected = "x".join(map(str, frame.shape[1::-1])), "x".join(map(str, self._sizes[index]))
                raise InputError(
                    f"{self._root / self._names[index]}: is {found} px, annotated as {expected}; "
                    "annotations and images are of different releases, see docs/data.md"
                )
            region = frame[y0:y1, x0:x1]
            if region.nbytes <= self._bytes_left:
                region = np.ascontiguousarray(region)  # lets go of the rest of the frame
                self._cache[index] = region
                self._bytes_left -= region.nbytes
        return region, np.array([x0, y0])


def _read(path: Path) -> np.ndarray:
    try:
        return read_image(path)
    except BrokenImageError as error:
        raise InputError(f"{path}: {error}; copy or generate it again, see docs/data.md") from None
