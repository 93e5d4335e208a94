"""``python -m downstream.h36m prepare-parsing``: from the official distribution to the files of the parsing benchmark.

Every 25th frame of each video is cut, as in HCMoCo's lists, and its label map taken out of the part labels. The lists
are written last: where they are, everything is complete. A run can be stopped at any moment: a view whose folder is
there is complete, and the same command goes on with the other views.
"""

import argparse
import itertools
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from downstream.h36m.parsing.frame_list import write_list
from downstream.h36m.prepare import official_release
from downstream.h36m.release.official import Metadata, View, read_poses, split_of, view_name
from downstream.h36m.release.part_labels import check_sides, check_size, part_labels_path, read_part_labels
from downstream.h36m.release.video_frames import FrameCutter
from downstream.h36m.shared.names import CAMERAS
from downstream.label_maps.predictions import write_prediction
from downstream.reading.frames import picture_size
from liftedcl.data_sets.h36m.files import SUBJECTS
from liftedcl.data_sets.h36m.parsing_files import PARSING, PARSING_LABELS, PARSING_PICTURES
from liftedcl.files.atomic import exclusive, read_json, sha256_of_file, write_json
from liftedcl.identity.errors import InputError

STRIDE = 25


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the sub-command's arguments."""
    add = parser.add_argument
    add("--official", type=Path, required=True, help="folder with metadata.xml and S1/, S5/ ... (docs/data/h36m.md)")
    add("--out", type=Path, required=True, help="folder to write parsing/ to, such as data/h36m")
    add("--stride", type=int, default=STRIDE, help="keep every n-th frame of each video (default %(default)s)")
    add("--workers", type=int, default=4, help="videos that are decoded at the same time (default %(default)s)")


def run(arguments: argparse.Namespace) -> None:
    """Check the options and `prepare`."""
    for option in ("stride", "workers"):
        if getattr(arguments, option) < 1:
            raise InputError(f"--{option} {getattr(arguments, option)}: is below 1")
    prepare(arguments.official, arguments.out, arguments.stride, arguments.workers)


def prepare(official: Path, out: Path, stride: int, workers: int) -> None:
    """Write ``out/parsing``; continue where an earlier run was stopped.

    Raises:
        InputError: ffmpeg or cdflib isn't installed, files are missing or damaged, or labels and videos don't match.
    """
    ffmpeg, metadata = official_release(official)
    folder = out / PARSING["train"]
    with exclusive(folder.parent):
        _claim(out, stride)
        strides = dict.fromkeys(SUBJECTS, stride)
        cutter = FrameCutter(ffmpeg, official, out / PARSING_PICTURES, metadata, strides)
        views = list(itertools.product(metadata.names, range(1, len(CAMERAS) + 1)))
        cutter.cut_all([view for view in views if not cutter.folder(view).is_dir()], len(views), workers)
        there = [view for view in views if cutter.folder(view).is_dir()]
        missing = [view for view in there if not (out / PARSING_LABELS / view_name(view)).is_dir()]
        for number, view in enumerate(missing, start=len(there) - len(missing) + 1):
            count = _extract(official, out, metadata, view, stride)
            print(f"[{number}/{len(there)}] {view_name(view)}: {count} label maps", flush=True)
        for split in SUBJECTS:
            _write_list(out, [view for view in there if split_of(view[0]) == split], split)
    print(f"{out}: complete; see python -m downstream.h36m check --data {out}", flush=True)


def _claim(out: Path, stride: int) -> None:
    """Refuse a folder that something else made, or this command with another stride: frames would be mixed."""
    path, settings = out / "parsing" / "prepare.json", {"stride": stride}
    if not path.exists():
        for other in (PARSING_PICTURES, PARSING_LABELS, *PARSING.values()):
            if (out / other).exists():
                raise InputError(f"{out / other}: is there, but this command didn't make it; choose another --out")
        write_json(path, settings)
    found = read_json(path, "remove the folder and run this again")
    if found != settings:
        raise InputError(f"{path}: frames were cut with {found}, not {settings}; choose the same, or another --out")


def _extract(official: Path, out: Path, metadata: Metadata, view: View, stride: int) -> int:
    """Write the label maps of a view's frames, all or none; returns how many."""
    path, name = part_labels_path(official, metadata, view), view_name(view)
    frames = sorted((out / PARSING_PICTURES / name).glob("*.jpg"))
    labels, count = read_part_labels(path, stride)
    if len(labels) < len(frames) - 1:  # a video's last frames may have no labels; the published code drops them
        raise InputError(f"{path}: has {count} label maps, but {frames[-1].name} is of a later frame; get it again")
    kept = min(len(labels), len(frames))
    check_size(path, labels[0], *picture_size(frames[0]))
    for n, one in enumerate(labels):
        if one.shape != labels[0].shape:
            raise InputError(f"{path}: frame {n * stride} has another size than the first; get it again")
    poses = read_poses(official, metadata, view).pixels[::stride]
    shared = min(kept, len(poses))
    check_sides(path, labels[:shared], poses[:shared])
    folder = out / PARSING_LABELS
    part = folder / f".{name}.{os.getpid()}.part"
    shutil.rmtree(part, ignore_errors=True)
    try:
        for frame, one in zip(frames[:kept], labels[:kept], strict=True):
            write_prediction(part, frame.stem, one)
        part.rename(folder / name)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return kept


def _write_list(out: Path, views: list[View], split: str) -> None:
    names = [name for view in sorted(views) for name in _frames(out, view)]
    labels = (sha256_of_file(out / PARSING_LABELS / f"{name}.png") for name in names)
    write_list(out, split, [f"{PARSING_PICTURES}/{name}.jpg" for name in names], "".join(labels))


def _frames(out: Path, view: View) -> Iterator[str]:
    for path in sorted((out / PARSING_LABELS / view_name(view)).glob("*.png")):
        yield f"{view_name(view)}/{path.stem}"
