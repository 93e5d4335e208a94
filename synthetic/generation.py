"""Write a generated data set in chunks: in parallel, with the same bytes for any number of workers, and resumable.

A chunk's images are written first, then its labels with their checksum, atomically, as
``ROOT/.generation/chunk_XXXXX.json``. A chunk that was interrupted is rendered again. ``ROOT/generation.json`` says
what the folder holds: the recipe and a digest of the code. A folder with files but without it is never touched.
"""

import contextlib
import functools
import hashlib
import multiprocessing
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from tqdm import tqdm

from liftedcl.files.atomic import CLAIM, exclusive, json_text, read_json, sha256_of_file, write_json
from liftedcl.identity.code_digest import code_digest
from liftedcl.identity.errors import InputError

JPEG_QUALITY = 92
IDENTITY = "generation.json"
CHUNKS = ".generation"
_PROGRESS_SECONDS = 10.0
_THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_REMEDY = "remove the folder and generate it again"

Labels = dict[str, Any]
Chunk = tuple[Any, ...]


@dataclass(frozen=True)
class Plan:
    """What to write. ``render(root, recipe, chunk)`` writes a chunk's images and returns its labels (plain JSON).

    The labels include ``files``, the images' paths relative to the root; their digest is added as ``pictures``.
    ``contents`` are the names of everything in the root. ``finish(root, recipe, labels)`` writes the ``annotations``
    from the labels of all chunks, in order: those files mark the data set as complete.
    """

    kind: str
    recipe: Any
    chunks: list[Chunk]
    render: Callable[[Path, Any, Chunk], Labels]
    finish: Callable[[Path, Any, list[Labels]], None]
    contents: tuple[str, ...]
    annotations: tuple[str, ...]


def generate(plan: Plan, root: Path, workers: int) -> None:
    """Make ``root`` hold ``plan``, starting from whatever an earlier call with the same plan has left there.

    Raises:
        InputError: ``root`` holds files that were not generated or another process is generating there, ``workers`` is
            below 1, or the system ended one.
    """
    if workers < 1:
        raise InputError(f"--workers {workers}: at least one worker is needed; leave it out for one a core")
    if root.exists() and not root.is_dir():
        raise InputError(f"{root}: is a file; choose a folder")
    if not (root / IDENTITY).is_file() and (foreign := _any_file(root)) is not None:
        raise InputError(
            f"{root}: holds files that were not generated ({foreign.relative_to(root)}); choose an empty folder"
        )
    with exclusive(root / CHUNKS):
        _prepare(plan, root)
        missing = [number for number in range(len(plan.chunks)) if not _is_finished(root, number)]
        if missing:
            for name in plan.annotations:
                (root / name).unlink(missing_ok=True)
            _render_chunks(plan, root, missing, workers)
        if not all((root / name).exists() for name in plan.annotations):
            labels = [_read_chunk(root, number) for number in range(len(plan.chunks))]
            plan.finish(root, plan.recipe, labels)


def write_jpeg(path: Path, image: np.ndarray) -> None:
    """Write an RGB image (H, W, 3) uint8."""
    path.parent.mkdir(parents=True, exist_ok=True)
    _, encoded = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    path.write_bytes(encoded.tobytes())


def batches(count: int, size: int) -> list[tuple[int, int]]:
    """``count`` items as (first, end) ranges of at most ``size``."""
    return [(first, min(first + size, count)) for first in range(0, count, size)]


def pictures_digest(labels: list[Labels]) -> str:
    """SHA-256 of the images of some chunks, which goes into the annotations: they change when a pixel does.

    A job that reads a data set only runs again when its annotation file changes.
    """
    return hashlib.sha256("".join(chunk["pictures"] for chunk in labels).encode()).hexdigest()


@functools.cache
def package_digest(kind: str) -> str:
    """Digest of what a data set's images depend on besides the recipe: the code that makes them, and the body."""
    body = Path(__file__).with_name("people") / "body.npz"
    return f"{code_digest(f'synthetic.{kind}')}-{sha256_of_file(body)[:16]}"


def _prepare(plan: Plan, root: Path) -> None:
    """Make ``root`` a folder of this plan: new, resumed, or emptied of another plan's data."""
    marker, identity = root / IDENTITY, {"kind": plan.kind, "recipe": asdict(plan.recipe)}
    identity |= {"contents": [*plan.contents], "package": package_digest(plan.kind)}
    if marker.is_file():
        found = read_json(marker, _REMEDY, finite=True)
        if found == identity:
            return
        if not isinstance(found, dict) or not {"kind", "recipe"} <= set(found) or not _are_names(found.get("contents")):
            raise InputError(f"{marker}: not written by this program; choose an empty folder")
        _remove_contents(root, found["contents"])
    write_json(marker, identity)


def _any_file(root: Path) -> Path | None:
    """A file below ``root``, or None. This run's claim and what a killed write of the marker leaves don't count."""
    files = (path for path in root.rglob("*") if not path.is_dir())
    own = (root / CHUNKS / CLAIM, root / f".{IDENTITY}.part")
    return next((path for path in files if path not in own), None)


def _are_names(names: Any) -> bool:
    """Whether ``names`` are plain ones: a damaged marker must not reach outside the folder."""
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        return False
    return all(name not in ("", ".", "..") and not {"/", "\0"} & {*name} for name in names)


def _remove_contents(root: Path, names: list[str]) -> None:
    """Remove generated data; the chunks' labels go first, because they say that the images are there."""
    for path in (root / CHUNKS).glob("chunk_*.json"):  # the folder itself has this run's claim
        path.unlink()
    for name in names:
        path = root / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def _chunk_path(root: Path, number: int) -> Path:
    return root / CHUNKS / f"chunk_{number:05d}.json"


def _is_finished(root: Path, number: int) -> bool:
    """Whether a chunk's labels and all images that they name are there."""
    return _chunk_path(root, number).exists() and all(
        (root / name).is_file() for name in _read_chunk(root, number)["files"]
    )


def _read_chunk(root: Path, number: int) -> Labels:
    """The labels of a chunk that is there. Raises `InputError` if they aren't what was written."""
    path, remedy = _chunk_path(root, number), "remove this file and run the same command again, which makes it again"
    content = read_json(path, remedy, finite=True)
    labels = content.get("labels") if isinstance(content, dict) else None
    if labels is None or content.get("sha256") != _digest_of(labels):
        raise InputError(f"{path}: damaged, its checksum differs; {remedy}")
    return labels


def _digest_of(labels: Labels) -> str:
    return hashlib.sha256(json_text(labels).encode()).hexdigest()


def _render_chunks(plan: Plan, root: Path, missing: list[int], workers: int) -> None:
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(min(workers, len(missing)), mp_context=context, initializer=_start_worker)
    others = set(multiprocessing.active_children())
    with _single_threaded_children():
        try:
            tasks = [
                pool.submit(_render_chunk, plan.render, root, plan.recipe, plan.chunks[number], number)
                for number in missing
            ]
            done = len(plan.chunks) - len(missing)
            for task in _with_progress(tasks, plan.kind, done, len(plan.chunks)):
                task.result()
        except BrokenProcessPool:
            raise InputError(
                f"--workers {workers}: the system ended one of these processes, usually because memory was short; run "
                "the same command again with fewer workers, it goes on and no byte depends on them"
            ) from None
        except BaseException:
            # The chunks in progress aren't worth waiting for: without labels they don't count.
            for process in set(multiprocessing.active_children()) - others:
                process.terminate()
            raise
        finally:
            pool.shutdown(cancel_futures=True)


def _render_chunk(render: Callable[..., Labels], root: Path, recipe: Any, chunk: Chunk, number: int) -> None:
    labels = render(root, recipe, chunk)
    digest = hashlib.sha256(b"".join((root / name).read_bytes() for name in labels["files"])).hexdigest()
    labels = labels | {"pictures": digest}
    write_json(_chunk_path(root, number), {"labels": labels, "sha256": _digest_of(labels)})


def _start_worker() -> None:
    """Use one thread, ignore Ctrl-C (the parent ends the work), and end when the parent is killed."""
    cv2.setNumThreads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=lambda: (parent.join(), os._exit(1)), daemon=True).start()


@contextlib.contextmanager
def _single_threaded_children() -> Iterator[None]:
    """Run the children's linear algebra on one thread: sums, and so images, must not depend on the number of cores."""
    before = {name: os.environ.get(name) for name in _THREAD_VARIABLES}
    os.environ.update(dict.fromkeys(_THREAD_VARIABLES, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _with_progress(tasks: list, kind: str, done: int, total: int) -> Iterator:
    """Yield tasks as they finish; show a bar on a terminal, and elsewhere a line every few seconds."""
    on_terminal, last = sys.stderr.isatty(), time.monotonic()
    bar = tqdm(as_completed(tasks), desc=kind, initial=done, total=total, unit="chunk", disable=not on_terminal)
    for count, task in enumerate(bar, start=done + 1):
        yield task
        if not on_terminal and (time.monotonic() - last > _PROGRESS_SECONDS or count == total):
            last = time.monotonic()
            print(f"[{kind}] {count}/{total} chunks", file=sys.stderr, flush=True)
