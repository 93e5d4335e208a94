"""``python -m downstream.h36m prepare``: from the official distribution to the files of both benchmarks.

Frames are cut from the videos, every 5th of the training subjects and every 64th of the test subjects, the rates of
the published annotation files. The annotations are written last, so where they are, everything is. A run can be stopped
at any moment: a view whose folder is there is whole, the others are cut when the same command runs again.
"""

import argparse
import importlib.util
import itertools
import shutil
from pathlib import Path

from downstream.h36m.pose_2d import reader as reader_2d
from downstream.h36m.pose_3d import reader as reader_3d
from downstream.h36m.release.annotate import annotate
from downstream.h36m.release.official import CAMERAS, read_metadata
from downstream.h36m.release.video_frames import FrameCutter
from liftedcl.data_sets.h36m.files import SUBJECTS
from liftedcl.files.atomic import exclusive, read_json, write_json
from liftedcl.identity.errors import InputError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    add = parser.add_argument
    add("--official", type=Path, required=True, help="folder with metadata.xml and S1/, S5/ ... (docs/data/h36m.md)")
    add("--out", type=Path, required=True, help="folder to write images/, annotations/ and annot/ to")
    add("--stride", type=int, default=5, help="keep every n-th frame of the training subjects (default 5)")
    add("--test-stride", type=int, default=64, help="keep every n-th frame of the test subjects (default 64)")
    add("--workers", type=int, default=4, help="videos that are decoded at a time (default 4)")


def run(arguments: argparse.Namespace) -> None:
    """The command."""
    for option in ("stride", "test_stride", "workers"):
        if getattr(arguments, option) < 1:
            raise InputError(f"--{option.replace('_', '-')} {getattr(arguments, option)}: is below 1")
    strides = {"train": arguments.stride, "test": arguments.test_stride}
    prepare(arguments.official, arguments.out, strides, arguments.workers)


def prepare(official: Path, out: Path, strides: dict[str, int], workers: int) -> None:
    """Write ``out/images``, ``out/annotations`` and ``out/annot``; go on where an earlier run was stopped.

    Args:
        official: folder of the distribution.
        out: folder to write to.
        strides: of the splits train and test, in frames.
        workers: ffmpeg processes at a time.

    Raises:
        InputError: ffmpeg or cdflib isn't installed, files are missing or damaged, or poses and cameras don't match.
    """
    ffmpeg = shutil.which("ffmpeg")
    if ffmpeg is None:
        raise InputError("ffmpeg: not found; install it (apt install ffmpeg, conda install ffmpeg) and run this again")
    if importlib.util.find_spec("cdflib") is None:
        raise InputError("cdflib: not installed; pip install cdflib, and run this again")
    metadata = read_metadata(official)
    annotations = [module.annotation_path(out, split) for module in (reader_3d, reader_2d) for split in SUBJECTS]
    with exclusive(out):
        _claim(out, strides, annotations)
        cutter = FrameCutter(ffmpeg, official, out / "images", metadata, strides)
        views = list(itertools.product(metadata.names, range(1, len(CAMERAS) + 1)))
        missing = [view for view in views if not cutter.folder(view).is_dir()]
        whole = all(path.is_file() for path in annotations)
        if not whole or not all(cutter.known_broken(view) for view in missing):
            for path in annotations:  # they would describe less than there soon is
                path.unlink(missing_ok=True)
            cutter.cut_all(missing, len(views), workers)
            for split in SUBJECTS:
                annotate(official, out, metadata, split)
    print(f"{out}: complete; see python -m downstream.h36m check --data {out}", flush=True)


def _claim(out: Path, strides: dict[str, int], annotations: list[Path]) -> None:
    """Refuse a folder that something else made, or this command with other strides: frames of both would be neither."""
    path, settings = out / "prepare.json", {"strides": strides}
    if not path.exists():
        for other in (out / "images", *annotations):
            if other.exists():
                raise InputError(f"{other}: is there and not of this command's making; choose another --out")
        write_json(path, settings)
    found = read_json(path, "remove the folder and run this again")
    if found != settings:
        raise InputError(f"{path}: frames were cut with {found}, not {settings}; choose the same, or another --out")
