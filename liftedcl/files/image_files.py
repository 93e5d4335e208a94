"""Decoding image files: many at a time, in a fixed order, broken ones reported by name instead of ending the run."""

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

from liftedcl.identity.errors import InputError

Item = TypeVar("Item")
Result = TypeVar("Result")

TOLERATED_SHARE = 0.01
"""Above this share of broken images the download or the disk is at fault, and a run must not go on quietly."""


class BrokenImageError(Exception):
    """One image that can't be used. The message is the reason."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(reason)
        self.path = path


def read_image(path: Path, *, upright: bool = False) -> np.ndarray:
    """Decode an image file into (H, W, 3) uint8 RGB: as it is stored, or ``upright``, turned as its EXIF tag says.

    COCO's annotations refer to the stored pixels, and PIL, which the ImageNet recipes read with, ignores the tag too.
    Grey, CMYK and 16-bit files become 8-bit RGB; transparency is dropped.

    Limit: a JPEG damaged in its middle decodes into partly wrong pixels and passes. libjpeg at most warns on stderr,
    without the file's name, and OpenCV doesn't pass that on. Only the checksums of the download show such damage.

    Raises:
        BrokenImageError: missing, truncated or not an image.
    """
    try:
        data = np.fromfile(path, dtype=np.uint8)
    except FileNotFoundError:
        raise BrokenImageError(path, "not found") from None
    except OSError as error:
        raise BrokenImageError(path, error.strerror or str(error)) from None
    flags = cv2.IMREAD_COLOR_RGB | (0 if upright else cv2.IMREAD_IGNORE_ORIENTATION)
    try:
        image = cv2.imdecode(data, flags) if data.size else None
    except cv2.error as error:
        raise BrokenImageError(path, f"can't be decoded ({error.err})") from None
    if image is None:
        raise BrokenImageError(path, "empty, truncated or not an image")
    return image


def resize(image: np.ndarray, *, height: int, width: int) -> np.ndarray:
    """Resize (H, W, 3) uint8: bilinearly, or by area averaging below half the size. Corners stay corners.

    Down to a half, bilinear sampling still reads every pixel (at a half it is the area's mean), at a fifth of the cost.
    """
    shrinks = max(image.shape[0] / height, image.shape[1] / width)
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA if shrinks > 2 else cv2.INTER_LINEAR)


def process_images(
    function: Callable[[Item], Result], items: Sequence[Item], *, workers: int | None, title: str
) -> Iterator[Result]:
    """Yield ``function(item)`` in the order of ``items``, computed by ``workers`` threads, with a progress display.

    OpenCV releases the interpreter lock, so threads use the cores; the result never depends on their number.
    An item whose function raises `BrokenImageError` is reported on stderr by name and left out.

    Raises:
        InputError: as soon as more than 1% of all items are broken.
    """
    workers = max(workers or _cores(), 1)
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)  # its own warnings don't name the file
    cv2.setNumThreads(1)  # one thread per image beats several inside one image
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


def _cores() -> int:
    """Cores this process may use, which is fewer than the machine's under a scheduler."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _in_order(function: Callable[[Item], Result], items: Sequence[Item], workers: int) -> Iterator[Future[Result]]:
    """Futures in the order of ``items``; only a few are ahead of the reader, so that memory stays bounded."""
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
    """A bar on a terminal, a line every ten seconds in a log. Both on stderr."""

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
