"""The annotation files of both Human3.6M benchmarks, from the official pose files."""

import itertools
import json
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from downstream.h36m.pose_2d import reader as reader_2d
from downstream.h36m.pose_3d import reader as reader_3d
from downstream.h36m.release.official import Lens, Metadata, View, ViewPoses, read_poses, split_of, view_name
from downstream.h36m.shared.names import ACTIONS, CAMERAS
from downstream.reading.frames import read_picture
from liftedcl.files.atomic import atomic_path

_BOX_MARGIN = 0.05
_BOX_MM = np.array([[-1000.0, -900.0, 0.0], [1000.0, 1100.0, 0.0]])
"""Corners of the 2D benchmark's box, around the root joint."""
_PX_PER_SCALE = 200.0


def annotate(official: Path, out: Path, metadata: Metadata, split: str) -> None:
    """Write both benchmarks' annotation files of one split, for the frames that are below ``out/images``."""
    images, annotations, joints = [], [], []
    for number, (view, size, frames, poses) in enumerate(_views(official, out, metadata, split)):
        lens = metadata.lenses[view[0][0], view[1]]
        entries = _entries_3d(view, size, frames, poses, lens, len(images))
        images += [json.dumps(image) for image, _ in entries]
        annotations += [json.dumps(annotation) for _, annotation in entries]
        joints += _entries_2d(view, frames, poses, lens, number)
    path = reader_2d.annotation_path(out, split)
    with atomic_path(path) as part, part.open("wb") as file:
        pickle.dump(joints, file, protocol=4)
    print(f"{path}: {len(joints)} frames", flush=True)
    path = reader_3d.annotation_path(out, split)
    with atomic_path(path) as part, part.open("w", encoding="utf-8") as file:
        for opening, lines in (('{"images": [\n', images), ('\n], "annotations": [\n', annotations)):
            file.write(opening)
            file.writelines(line if i == 0 else f",\n{line}" for i, line in enumerate(lines))
        file.write("\n]}\n")
    print(f"{path}: {len(images)} frames", flush=True)


def _views(
    official: Path, out: Path, metadata: Metadata, split: str
) -> Iterator[tuple[View, tuple[int, int], list[int], ViewPoses]]:
    """View, image size (width, height), frame numbers from 1 and poses of every view that has been cut."""
    takes = sorted(take for take in metadata.names if split_of(take) == split)
    for view in itertools.product(takes, range(1, len(CAMERAS) + 1)):
        folder = out / "images" / view_name(view)
        names = sorted(path.name for path in folder.glob("*.jpg"))
        if not names:  # its video is damaged in the distribution itself
            continue
        height, width = read_picture(folder / names[0], f"remove {folder} and run this again").shape[:2]
        yield view, (width, height), [int(name[-10:-4]) for name in names], read_poses(official, metadata, view)


def _entries_3d(
    view: View, size: tuple[int, int], frames: list[int], poses: ViewPoses, lens: Lens, first: int
) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """(image, annotation) of each frame, as in the release of Li et al. (2021)."""
    (subject, action, subaction), camera = view
    place = np.array(frames) - 1
    camera_parameters = {"R": lens.R.tolist(), "t": lens.t.tolist(), "f": lens.f.tolist(), "c": lens.c.tolist()}
    entries = []
    for n, (frame, box, world) in enumerate(
        zip(frames, _person_boxes(poses.extents[place], size), poses.world[place].round(3), strict=True)
    ):
        image = {
            "id": (((subject * 100 + action) * 10 + subaction) * 10 + camera) * 100_000 + frame,
            "file_name": f"{view_name(view)}/{view_name(view)}_{frame:06d}.jpg",
            "width": size[0],
            "height": size[1],
            "subject": subject,
            "action_name": ACTIONS[action],
            "action_idx": action,
            "subaction_idx": subaction,
            "cam_idx": camera,
            "frame_idx": frame - 1,
        }
        annotation = {
            "id": first + n,
            "image_id": image["id"],
            "bbox": box.round(2).tolist(),
            "keypoints_world": world.tolist(),
            "cam_param": camera_parameters,
        }
        entries.append((image, annotation))
    return entries


def _person_boxes(extents: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Boxes (F, 4: x, y, width, height) of people from the extents of their joints, cut to the image.

    Departs from the release, whose boxes are those of the distribution's silhouettes: a margin of 5% of the longer side
    allows for flesh, hair and clothes beyond the joints.
    """
    low, high = extents[:, :2], extents[:, 2:]
    margin = _BOX_MARGIN * (high - low).max(axis=1, keepdims=True)
    low, high = (np.clip(corner, 0, size) for corner in (low - margin, high + margin))
    return np.concatenate([low, high - low], axis=1)


def _entries_2d(view: View, frames: list[int], poses: ViewPoses, lens: Lens, number: int) -> list[dict[str, Any]]:
    """A dict for each frame, as in H36M-Toolbox's release for Qiu et al. (2019)."""
    (subject, action, subaction), camera = view
    place = np.array(frames) - 1
    corners = poses.seen[place, :1] + _BOX_MM  # (F, 2, 3), at the root's depth
    boxes = (corners[..., :2] / corners[..., 2:] * lens.f + lens.c).reshape(-1, 4)
    parameters = {
        "R": lens.R,
        "T": lens.t[:, None],
        "fx": float(lens.f[0]),
        "fy": float(lens.f[1]),
        "cx": float(lens.c[0]),
        "cy": float(lens.c[1]),
        "k": lens.k[:, None],
        "p": lens.p[:, None],
    }
    return [
        {
            "image": f"{view_name(view)}/{view_name(view)}_{frame:06d}.jpg",
            "joints_2d": poses.pixels[frame - 1],
            "joints_3d": poses.world[frame - 1],
            "joints_3d_camera": poses.seen[frame - 1],
            "joints_vis": np.ones((len(poses.pixels[0]), 3)),
            "video_id": number,
            "image_id": frame,
            "subject": subject,
            "action": action,
            "subaction": subaction,
            "camera_id": camera - 1,
            "source": "h36m",
            "camera": parameters,
            "center": ((box[:2] + box[2:]) / 2).tolist(),
            "scale": ((box[2:] - box[:2]) / _PX_PER_SCALE).tolist(),
            "box": box,
        }
        for frame, box in zip(frames, boxes, strict=True)
    ]
