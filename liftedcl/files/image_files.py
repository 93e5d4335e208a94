"""Decoding image files: many at a time, in a fixed order. A broken file is reported by name and skipped."""

import collections
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
from tqdm import tqdm

from liftedcl.files.image_header import TOLERATED_SHARE, BrokenImageError, header_of, require_no_pipe
from liftedcl.identity.errors import InputError

Item = TypeVar("Item")
Result = TypeVar("Result")


def read_image(path: Path, *, upright: bool = False) -> np.ndarray:
    """Decode an image file into (H, W, 3) uint8 RGB as it is stored, or ``upright``: turned as its EXIF tag says.

    COCO's annotations refer to the stored pixels, and PIL, with which ImageNet recipes read, ignores the tag too.
    Grey, CMYK and 16-bit files become 8-bit RGB; transparency is dropped.

    Limit: a JPEG that is damaged in the middle gives partly wrong pixels and no error. libjpeg only warns, and OpenCV
    doesn't pass the warning on. Only the checksums of the download reveal such damage.

    Raises:
        BrokenImageError: the file is missing, truncated or not an image, or claims more pixels than it can hold.
    """
    require_no_pipe(path)
    try:
        with open(path, "rb") as file:
            header = header_of(file, path)  # a small file can claim a size that fills the memory
            file.seek(0)
            data = np.fromfile(file, dtype=np.uint8)
    except FileNotFoundError:
        raise BrokenImageError(path, "not found") from None
    except OSError as error:
        raise BrokenImageError(path, error.strerror or str(error)) from None
    flags = cv2.IMREAD_COLOR_RGB | (0 if upright else cv2.IMREAD_IGNORE_ORIENTATION)
    try:
        image = cv2.imdecode(data, flags)
    except cv2.error as error:
        raise BrokenImageError(path, f"can't be decoded ({error.err})") from None
    if image is None:
        raise BrokenImageError(path, "empty, truncated or not an image")
    if not upright and image.shape[1::-1] != (header.width, header.height):
        raise BrokenImageError(path, f"claims {header.width}x{header.height} pixels and holds others, so it is damaged")
    return image


def resize(image: np.ndarray, *, height: int, width: int) -> np.ndarray:
    """Resize (H, W, 3) uint8 bilinearly, or by area averaging below half the size. The corners stay in place.

    Down to half the size, bilinear sampling reads every pixel too (at half it is the area's mean) and costs a fifth.
    """
    shrinks = max(image.shape[0] / height, image.shape[1] / width)
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA if shrinks > 2 else cv2.INTER_LINEAR)


def process_images(
    function: Callable[[Item], Result], items: Sequence[Item], *, workers: int | None, title: str
) -> Iterator[Result]:
    """Yield ``function(item)`` in the order of ``items``, computed by ``workers`` threads, with a progress display.

    OpenCV releases the interpreter lock, so threads run in parallel. The result doesn't depend on their number.
    An item for which ``function`` raises `BrokenImageError` is reported on stderr and left out.

    Raises:
        InputError: more than 1% of all items are broken, or ``workers`` is below 1.
    """
    if workers is not None and workers < 1:
        raise InputError(f"--workers {workers}: needs at least 1; leave it out for one a core")
    workers = workers or len(os.sched_getaffinity(0))  # a scheduler may grant fewer than the machine has
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)  # its warnings don't name the file
    cv2.setNumThreads(1)  # one thread per image is faster than several inside one image
    broken = 0
    with _Progress(title, len(items)) as progress:
        for future in _in_order(function, items, workers):
            try:
                result = future.result()
            except BrokenImageError as error:
                broken += 1
                if broken > TOLERATED_SHARE * len(items):
                    raise InputError(
                        f"{error.path}: {error}; with it {broken} of {len(items)} images can't be used, more than "
                        f"{TOLERATED_SHARE:.0%}; get the data again (docs/data.md)"
                    ) from None
                progress.say(f"warning: {error.path}: {error}; skipped")
            else:
                yield result
            progress.step()


def _in_order(function: Callable[[Item], Result], items: Sequence[Item], workers: int) -> Iterator[Future[Result]]:
    """Futures in the order of ``items``; only a few run ahead of the reader, which bounds the memory."""
    pool = ThreadPoolExecutor(workers)
    waiting: collections.deque[Future[Result]] = collections.deque()
    try:
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) > 4 * workers:
                yield waiting.popleft()
        while waiting:
            yield waiting.popleft()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


class _Progress:
    """A progress bar on a terminal, or a line every ten seconds in a log; on stderr."""

    def __init__(self, title: str, total: int) -> None:
        self.title, self.total, self.done = title, total, 0
        self.shown = time.monotonic()

    def __enter__(self) -> "_Progress":
        self.bar = tqdm(total=self.total, desc=self.title, unit="image", disable=not sys.stderr.isatty())
        return self

    def __exit__(self, *error: object) -> None:
        self.bar.close()

    def step(self) -> None:
        self.done += 1
        self.bar.update()
        if self.bar.disable and time.monotonic() - self.shown > 10:
            self.shown = time.monotonic()
            self.say(f"{self.title}: {self.done} of {self.total} images")

    def say(self, line: str) -> None:
        tqdm.write(line, file=sys.stderr)
        sys.stderr.flush()
