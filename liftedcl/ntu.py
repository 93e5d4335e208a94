"""Pack the people of NTU RGB+D, in colour aligned to depth, with their depth maps and joints."""

import argparse
import dataclasses
import functools
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from liftedcl.crops import COLUMNS
from liftedcl.data_sets.ntu.files import LIST, depth_path, video_path
from liftedcl.files.contact_sheet import write_contact_sheet
from liftedcl.files.image_files import process_images, resize
from liftedcl.files.image_header import BrokenImageError
from liftedcl.identity.errors import InputError, run_cli
from liftedcl.identity.recipe import read_recipe
from liftedcl.images.modalities import depth_file, open_modalities, sheet_of_modalities, write_modalities
from liftedcl.images.ntu_people import Alignment, Recording, alignments, read_depth, read_recordings
from liftedcl.images.person_box import PADDING, Box, Rectangle, extend_box
from liftedcl.images.shard import DEPTH, ShardWriter, open_shard
from liftedcl.recipes.data_recipes import NtuPeople
from liftedcl.skeletons.common_joints import FROM_KINECT

_FINER = 2  # the warped crop is this many times as fine before it is shrunk, since a warp reads single pixels


@dataclass(frozen=True)
class Cut:
    """What one frame gives: the crop (H, W, 3) uint8, its depth (H, W) uint16, box and rectangle in depth pixels."""

    frame: int
    image: np.ndarray
    depth: np.ndarray
    box: Box
    rectangle: Rectangle
    joints: np.ndarray
    labelled: np.ndarray


def pack(root: str | Path, out: str | Path, recipe: NtuPeople, *, workers: int | None = None) -> None:
    """Cut the person of every ``stride``-th frame, in colour and depth, into shards, with the joints beside.

    Raises:
        InputError: the list or skeletons are missing or damaged, or over 1% of the recordings are broken.
    """
    recordings = read_recordings(root, recipe.stride)
    aligned = alignments(root, recordings)
    cut = functools.partial(_cut_recording, Path(root), recipe, aligned)
    size, joints, labelled, has_depth = (recipe.height, recipe.width), [], [], []
    with (
        ShardWriter(out, *size, COLUMNS) as images,
        ShardWriter(depth_file(Path(out)), *size, ("file", "frame"), DEPTH) as maps,
    ):
        for recording, cuts in process_images(cut, recordings, workers=workers, title="recording"):
            file = video_path("", recording.tag).as_posix()
            for part in cuts:
                number = len(joints)
                place = dataclasses.astuple(part.rectangle)
                row = (number, number, f"{file}#{part.frame}", *part.box, *place)
                images.append(part.image, (*row, recipe.height / part.rectangle.height))
                maps.append(part.depth, (file, part.frame))
                joints.append(part.joints)
                labelled.append(part.labelled)
                has_depth.append(bool(part.depth.any()))
        if not joints:
            raise InputError(f"{root}: no frame gives a crop; lower ntu_people.stride")
        report = {"recordings": len(recordings), "crops": len(joints), "recipe": dataclasses.asdict(recipe)}
        images.report = maps.report = report
    found = {
        "S{:03d}C{:03d}".format(*camera): {"agreeing": round(one.share, 4), "median_px": round(one.median_px, 3)}
        for camera, one in aligned.items()
    }
    with_depth = np.array(has_depth)
    report = {"with_depth": int(with_depth.sum()), "alignments": found}
    write_modalities(open_shard(out), np.array(joints), np.array(labelled), with_depth, report)


def _cut_recording(
    root: Path, recipe: NtuPeople, aligned: dict[tuple[int, int], Alignment], recording: Recording
) -> tuple[Recording, list[Cut]]:
    video = cv2.VideoCapture(str(video_path(root, recording.tag)))
    try:
        cuts, at = [], -1
        for place, frame in enumerate(recording.frames.tolist()):
            while at < frame:
                read, colour = video.read()
                if not read:
                    path = video_path(root, recording.tag)
                    raise BrokenImageError(path, f"missing, damaged or ends before frame {frame}")
                at += 1
            depth = read_depth(depth_path(root, recording.tag, frame))
            joints, labelled = (x[place, FROM_KINECT] for x in (recording.depth_px, recording.tracked))
            matrix = aligned[recording.tag[:2]].matrix
            cuts.append(_cut(frame, colour[..., ::-1], depth, joints, labelled, matrix, recipe))
        return recording, cuts
    finally:
        video.release()


def _cut(
    frame: int,
    colour: np.ndarray,
    depth: np.ndarray,
    joints: np.ndarray,
    labelled: np.ndarray,
    matrix: np.ndarray,
    recipe: NtuPeople,
) -> Cut:
    """The person around the labelled ``joints`` (13, 2), in depth pixels; ``matrix`` takes colour pixels there."""
    low, high = joints[labelled].min(axis=0), joints[labelled].max(axis=0)
    margin = recipe.margin * float((high - low).max()) + 1.0
    box = (*(low - margin).tolist(), *(high - low + 2 * margin).tolist())
    area = extend_box(box)
    scale = recipe.height / area.height
    fine = scale * _FINER
    # from the middles of depth pixels, which are at whole numbers, to those of the crop's
    into = np.array([[fine, 0, (0.5 - area.x) * fine - 0.5], [0, fine, (0.5 - area.y) * fine - 0.5], [0, 0, 1]])
    size = (recipe.width * _FINER, recipe.height * _FINER)
    image = cv2.warpPerspective(colour, into @ matrix, size, borderMode=cv2.BORDER_CONSTANT, borderValue=PADDING)
    columns, rows = (
        np.floor((np.arange(count) + 0.5) / scale).astype(int) + first
        for count, first in ((recipe.width, area.x), (recipe.height, area.y))
    )
    inside = ((rows >= 0) & (rows < depth.shape[0]))[:, None] & ((columns >= 0) & (columns < depth.shape[1]))
    nearest = depth[rows.clip(0, depth.shape[0] - 1)[:, None], columns.clip(0, depth.shape[1] - 1)]
    moved = (joints + 0.5 - [area.x, area.y]) * scale - 0.5
    shown = labelled & (moved >= -0.5).all(axis=1) & (moved < [recipe.width - 0.5, recipe.height - 0.5]).all(axis=1)
    image = resize(image, height=recipe.height, width=recipe.width)
    return Cut(frame, image, np.where(inside, nearest, 0).astype(np.uint16), box, area, moved, shown)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m liftedcl.ntu",
        description="Cut the people of NTU RGB+D, in colour aligned to depth, into the shard NAME.npy, their depth "
        "into NAME.depth.npy, and write what each crop has, and its joints, to NAME.modalities.csv.",
        epilog="example: python -m liftedcl.ntu --data data/ntu --out runs/ntu_crops.npy --recipe "
        '\'{"height": 256, "width": 192, "stride": 8, "margin": 0.15}\'',
    )
    parser.add_argument("--data", required=True, type=Path, metavar="FOLDER", help=f"NTU RGB+D, with {LIST}")
    parser.add_argument("--recipe", required=True, metavar="JSON", help="height, width, stride, margin: text or file")
    parser.add_argument("--out", required=True, type=Path, metavar="NAME.npy", help="the shard to write")
    parser.add_argument("--sheet", type=Path, metavar="PNG", help="draw some of the crops as well, with their depth")
    parser.add_argument("--workers", type=int, metavar="N", help="threads; every core by default; never changes a byte")
    arguments = parser.parse_args()
    pack(arguments.data, arguments.out, read_recipe(NtuPeople, arguments.recipe), workers=arguments.workers)
    if arguments.sheet:
        shard = open_shard(arguments.out)
        write_contact_sheet(sheet_of_modalities(shard, open_modalities(shard)), arguments.sheet, columns=4, rows=6)


if __name__ == "__main__":
    run_cli(main)
