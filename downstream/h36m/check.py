"""``python -m downstream.h36m check``: which files of Human3.6M are there, for each benchmark."""

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from downstream.h36m.parsing import check as parsing_check
from downstream.h36m.pose_2d import reader as reader_2d
from downstream.h36m.pose_2d.reader import H36MJoints
from downstream.h36m.pose_3d import reader as reader_3d
from downstream.h36m.pose_3d.reader import H36MPoses
from downstream.reading.data_check import Finding, problem, report, tried
from downstream.reading.entries import Entries
from liftedcl.data_sets.h36m.data_set import DATA_SET
from liftedcl.identity.errors import InputError

_STRIDES = {"train": 25, "test": 64}
"""Strides of the paper's recipe for 2D pose, in frames."""
_IMAGES_READ = 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the sub-command's arguments."""
    parser.add_argument("--data", type=Path, required=True, help="folder with images/, annotations/ and annot/")


def run(arguments: argparse.Namespace) -> None:
    """Print the report; exit with status 1 when something is missing or broken."""
    report(f"Human3.6M in {arguments.data}", findings(arguments.data))


def findings(root: Path) -> Iterator[Finding]:
    """Read the annotation files of each benchmark whole, and then look for their images; one finding a line."""
    for split, official in DATA_SET.counts["samples for 3D pose"].items():
        yield from _annotations(f"3D, {split}", reader_3d.annotation_path(root, split), official)
    for split, official in DATA_SET.counts["frames for 2D pose"].items():
        yield from _annotations(f"2D, {split}", reader_2d.annotation_path(root, split), official, _STRIDES[split])
    yield from parsing_check.findings(root)


def _annotations(title: str, path: Path, official: tuple[int, int], stride: int | None = None) -> Iterator[Finding]:
    """Findings about one annotation file; ``stride`` is given for the 2D benchmark alone."""
    try:
        if stride is None:
            samples, entries = reader_3d.examine(path)
            count = len(samples)
        else:
            samples, entries, count = reader_2d.examine(path, stride)
    except InputError as error:
        yield Finding("broken" if path.exists() else "missing", f"{title}: {error}")
        return
    subjects = sorted({name[:4] for name in samples.names})
    text = f"{title}: {path}: {len(samples):,} samples of {', '.join(subjects)}, every pose, camera and box in order"
    if stride is not None:
        text += f"; every {stride}th frame of the videos: {count:,}"
    try:
        entries.finish()
    except InputError as error:
        yield problem(error)
    else:
        if official[0] <= count <= official[1]:
            yield Finding("ok", text)
        else:
            release = f"{official[0]:,}" if official[0] == official[1] else f"{official[0]:,} to {official[1]:,}"
            yield Finding("differs", f"{text}; the official release has {release}")
    yield tried(f"{title}: images", lambda: _images(samples, entries))


def _images(samples: H36MPoses | H36MJoints, entries: Entries) -> str:
    if isinstance(samples, H36MPoses):
        reader_3d.check_images(samples, entries)
    else:
        reader_2d.with_sizes(samples, entries)
    _, sizes = entries.decoded_sizes(samples.root / "images", _IMAGES_READ)
    entries.finish()
    found = ", ".join(f"{width}x{height}" for width, height in np.unique(sizes, axis=0))
    return f"{len(np.unique(samples.names)):,} there, {len(sizes)} of them read ({found})"
