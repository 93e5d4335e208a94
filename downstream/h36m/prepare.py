"""``python -m downstream.h36m prepare``: from the official distribution to the files of both benchmarks.

Every 5th frame of the training subjects and every 64th of the test subjects is cut from the videos, as in the published
annotation files. The annotations are written last: where they are, the images are complete. A run can be stopped at any
moment: a view whose folder is there is complete, and the same command cuts the other views.
"""

import argparse
import importlib.util
import itertools
import shutil
from pathlib import Path

from downstream.h36m.pose_2d import reader as reader_2d
from downstream.h36m.pose_3d import reader as reader_3d
from downstream.h36m.release.annotate import annotate
from downstream.h36m.release.official import Metadata, read_metadata
from downstream.h36m.release.video_frames import FrameCutter
from downstream.h36m.shared.names import CAMERAS
from liftedcl.data_sets.h36m.files import SUBJECTS
from liftedcl.files.atomic import exclusive, read_json, write_json
from liftedcl.identity.errors import InputError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the sub-command's arguments."""
    add = parser.add_argument
    add("--official", type=Path, required=True, help="folder with metadata.xml and S1/, S5/ ... (docs/data/h36m.md)")
    add("--out", type=Path, required=True, help="folder to write images/, annotations/ and annot/ to")
    add("--stride", type=int, default=5, help="keep every n-th frame of the training subjects (default 5)")
    add("--test-stride", type=int, default=64, help="keep every n-th frame of the test subjects (default 64)")
    add("--workers", type=int, default=4, help="videos that are decoded at the same time (default 4)")


def run(arguments: argparse.Namespace) -> None:
    """Check the options and `prepare`."""
    for option in ("stride", "test_stride", "workers"):
        if getattr(arguments, option) < 1:
            raise InputError(f"--{option.replace('_', '-')} {getattr(arguments, option)}: is below 1")
    strides = {"train": arguments.stride, "test": arguments.test_stride}
    prepare(arguments.official, arguments.out, strides, arguments.workers)


def prepare(official: Path, out: Path, strides: dict[str, int], workers: int) -> None:
    """Write ``out/images``, ``out/annotations`` and ``out/annot``; continue where an earlier run was stopped.

    Args:
        strides: of the splits train and test, in frames.
        workers: ffmpeg processes at the same time.

    Raises:
        InputError: ffmpeg or cdflib isn't installed, files are missing or damaged, or poses and cameras don't match.
    """
    ffmpeg, metadata = official_release(official)
    annotations = [module.annotation_path(out, split) for module in (reader_3d, reader_2d) for split in SUBJECTS]
    with exclusive(out):
        _claim(out, strides, annotations)
        cutter = FrameCutter(ffmpeg, official, out / "images", metadata, strides)
        views = list(itertools.product(metadata.names, range(1, len(CAMERAS) + 1)))
        missing = [view for view in views if not cutter.folder(view).is_dir()]
        whole = all(path.is_file() for path in annotations)
        if not whole or not all(cutter.known_broken(view) for view in missing):
            for path in annotations:  # they would not list the frames that are cut now
                path.unlink(missing_ok=True)
            cutter.cut_all(missing, len(views), workers)
            for split in SUBJECTS:
                annotate(official, out, metadata, split)
    print(f"{out}: complete; see python -m downstream.h36m check --data {out}", flush=True)


def official_release(official: Path) -> tuple[str, Metadata]:
    """The program ffmpeg, and the metadata of the distribution.

    Raises:
        InputError: ffmpeg or cdflib isn't installed, or as `read_metadata`.
    """
    ffmpeg = shutil.which("ffmpeg")
    if ffmpeg is None:
        raise InputError("ffmpeg: not found; install it (apt install ffmpeg, conda install ffmpeg) and run this again")
    if importlib.util.find_spec("cdflib") is None:
        raise InputError("cdflib: not installed; pip install cdflib, and run this again")
    return ffmpeg, read_metadata(official)


def _claim(out: Path, strides: dict[str, int], annotations: list[Path]) -> None:
    """Refuse a folder that something else made, or this command with other strides: their frames would be mixed."""
    path, settings = out / "prepare.json", {"strides": strides}
    if not path.exists():
        for other in (out / "images", *annotations):
            if other.exists():
                raise InputError(f"{other}: is there, but this command didn't make it; choose another --out")
        write_json(path, settings)
    found = read_json(path, "remove the folder and run this again")
    if found != settings:
        raise InputError(f"{path}: frames were cut with {found}, not {settings}; choose the same, or another --out")
