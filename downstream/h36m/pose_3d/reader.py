"""Human3.6M as the 3D pose benchmark reads it: protocol 2, S1, 5, 6, 7, 8 for training, S9, 11 for testing.

The files are the annotations that liftedcl/data_sets/h36m reads, and the images ``ROOT/images/<file_name>``. Everything
is checked when read, so that a run of hours doesn't end at a bad sample.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from downstream.h36m.shared.camera import project, world_to_camera
from downstream.h36m.shared.frame_sizes import frame_sizes
from downstream.h36m.shared.names import action_of
from downstream.h36m.shared.plausible import (
    DEPTH,
    FOCAL_LENGTH,
    LONGEST_BONE,
    MEAN_BONE,
    PRINCIPAL_POINT,
    bone_lengths,
    mean_bones,
)
from downstream.h36m.shared.recipe import H36M3D
from downstream.reading.entries import Entries
from downstream.samples.crop import crop_matrices, square_boxes
from liftedcl.data_sets.h36m.annotations import read_paired
from liftedcl.data_sets.h36m.files import POSES, REMEDY
from liftedcl.identity.errors import InputError
from liftedcl.skeletons.skeleton import JOINTS, NUM_JOINTS

DRIFTED = re.compile(r"s_09_(act_05_subact_02|act_10_subact_02|act_13_subact_01)")
"""Sequences of S9 whose ground truth drifts away from the image; every published evaluation leaves them out."""


@dataclass(frozen=True)
class H36MPoses:
    """N samples. Arrays are float64 unless said otherwise.

    Attributes:
        root: folder of the data set.
        names: file names below ``root/images``.
        actions: (N,) int, 2 to 16.
        sizes: width and height of each image, (N, 2) int.
        boxes: first and last pixel of the people (N, 4: x0, y0, x1, y1), cut to the image.
        joints: (N, 18, 3) in camera coordinates, mm.
        f: focal lengths (N, 2) in px.
        c: principal points (N, 2) in px.
    """

    root: Path
    names: list[str]
    actions: np.ndarray
    sizes: np.ndarray
    boxes: np.ndarray
    joints: np.ndarray
    f: np.ndarray
    c: np.ndarray

    def __len__(self) -> int:
        return len(self.names)

    def coding(self, recipe: H36M3D) -> dict[str, Any]:
        """The arguments of `pose_coding.encode` and `decode` for the plain crops of these samples."""
        size = recipe.input_size
        matrices = crop_matrices(*square_boxes(self.boxes, recipe.box_scale), size=(size, size))
        return {"f": self.f, "c": self.c, "matrices": matrices, "size": size, "depth_range": recipe.depth_range_mm}


def annotation_path(root: str | Path, split: str) -> Path:
    """The annotation file of ``split``, train or test."""
    return Path(root) / POSES[split]


def read_h36m_3d(root: str | Path, split: str) -> H36MPoses:
    """Read and check ``split``, train or test, of ``root``, the folder with ``annotations/`` and ``images/``.

    Every image has to be there.

    Raises:
        InputError: naming the file and, where one is to blame, the index of the sample.
    """
    poses, entries = examine(annotation_path(root, split))
    check_images(poses, entries)
    entries.finish()
    return poses


def read_poses(path: Path) -> H36MPoses:
    """Read and check an annotation file alone; no image needs to be there."""
    poses, entries = examine(path)
    entries.finish()
    return poses


def check_images(poses: H36MPoses, entries: Entries) -> None:
    """Note the ``entries`` whose image is missing or of another size than annotated; looks at one of each folder."""
    folder = poses.root / "images"
    entries.pictures(folder)
    found = frame_sizes(folder, poses.names, entries)
    right = (found == poses.sizes).all(axis=1) | ~entries.good
    if not right.all():
        n = int(np.argmin(right))
        is_, said = (f"{width}x{height}" for width, height in (found[n], poses.sizes[n]))
        entries.check(right, f"its frame is {is_} px, annotated as {said}: frames and annotations are of two releases")


def examine(path: Path) -> tuple[H36MPoses, Entries]:
    """The poses of an annotation file, and what is wrong with its entries.

    Raises:
        InputError: the file is missing, damaged or empty.
    """
    images, annotations = read_paired(path)
    all_names = [str(image.get("file_name")) for image in images]
    kept = [i for i, name in enumerate(all_names) if not DRIFTED.search(name)]
    if not kept:
        raise InputError(f"{path}: holds no sample; {REMEDY}")

    entries = Entries(path, REMEDY, kept, [all_names[i] for i in kept])

    def camera(key: str, *shape: int) -> np.ndarray:
        return entries.numbers(lambda i: annotations[i]["cam_param"][key], f"cam_param.{key}", shape)

    sizes = entries.numbers(lambda i: [images[i]["width"], images[i]["height"]], "width and height", (2,))
    boxes = entries.numbers(lambda i: annotations[i]["bbox"], "bbox", (4,))
    last = boxes[:, :2] + np.maximum(boxes[:, 2:] - 1, 0)
    world = entries.numbers(lambda i: annotations[i]["keypoints_world"], "keypoints_world", (NUM_JOINTS, 3))
    R, t, f, c = camera("R", 3, 3), camera("t", 3), camera("f", 2), camera("c", 2)
    joints = world_to_camera(world, R, t)
    thorax = joints[:, [JOINTS.index("lshoulder"), JOINTS.index("rshoulder")]].mean(axis=1, keepdims=True)
    poses = H36MPoses(
        root=path.parent.parent,
        names=[all_names[i] for i in kept],
        actions=np.array([action_of(all_names[i]) for i in kept]),
        sizes=np.nan_to_num(sizes).astype(int),
        boxes=np.clip(np.concatenate([boxes[:, :2], last], axis=1), 0, np.tile(sizes - 1, 2)),
        joints=np.concatenate([joints, thorax], axis=1),
        f=f,
        c=c,
    )
    with np.errstate(all="ignore"):  # of entries that have a fault already
        _check(poses, sizes, R, entries)
    return poses, entries


def _check(poses: H36MPoses, sizes: np.ndarray, R: np.ndarray, entries: Entries) -> None:
    """Note what is wrong with the numbers of ``poses``, whose cameras are turned by ``R`` (N, 3, 3)."""
    entries.check(poses.actions > 0, "its image has no action act_02 to act_16 in its name")
    entries.check((poses.sizes > 0).all(axis=1) & (sizes == poses.sizes).all(axis=1), "width or height is no size")
    inside = (poses.boxes[:, 2:] - poses.boxes[:, :2] >= 1).all(axis=1)
    entries.check(inside, "bbox has no area or is outside its image")
    turned = np.abs(R @ np.swapaxes(R, 1, 2) - np.eye(3)).max(axis=(1, 2)) < 1e-3
    entries.check(turned & (np.linalg.det(R) > 0), "cam_param.R is not a rotation")
    entries.check((poses.f > 0).all(axis=1), "cam_param.f is not above 0")
    entries.within("cam_param.c, the camera's principal point, is at", poses.c / sizes, PRINCIPAL_POINT)
    entries.within("cam_param.f is", poses.f / sizes, FOCAL_LENGTH)
    entries.within("the bones of keypoints_world are on average", mean_bones(poses.joints), MEAN_BONE)
    entries.within("the longest bone of keypoints_world is", bone_lengths(poses.joints).max(axis=1), LONGEST_BONE)
    deep = (poses.joints[..., 2] > 0).all(axis=1)
    entries.check(deep, "a joint is behind the camera: X_c = R (X_w - t) in mm is expected")
    entries.within("the distance from the camera is", poses.joints[:, 0, 2], DEPTH)
    pixels = project(poses.joints, poses.f, poses.c)
    meets = (pixels.max(axis=1) >= poses.boxes[:, :2]) & (pixels.min(axis=1) <= poses.boxes[:, 2:])
    entries.check(meets.all(axis=1), "the pose projects outside its bbox: pose, camera and box do not belong together")
