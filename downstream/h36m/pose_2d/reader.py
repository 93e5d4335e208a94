"""Human3.6M as the 2D pose benchmark reads it (Qiu et al. 2019): S1, 5, 6, 7, 8 for training, S9, 11 for testing.

The files are pickled lists with a dict for each frame, and the images ``ROOT/images/<image>``. Everything that is used
is checked when read. Unlike the 3D benchmark, this one keeps all sequences of S9.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from downstream.h36m.shared.camera import project_through_lens
from downstream.h36m.shared.frame_sizes import frame_sizes
from downstream.h36m.shared.plausible import (
    DEPTH,
    FOCAL_LENGTH,
    LONGEST_BONE,
    MEAN_BONE,
    PRINCIPAL_POINT,
    bone_lengths,
    mean_bones,
)
from downstream.reading.entries import Entries
from downstream.reading.restricted_pickle import load_plain
from downstream.samples.crop import widths_at_aspect
from downstream.samples.people import LabelledPeople, People
from liftedcl.data_sets.h36m.files import JOINTS, REMEDY, SUBJECTS
from liftedcl.identity.errors import InputError
from liftedcl.skeletons.skeleton import NUM_JOINTS

_PX_PER_SCALE = 200.0
_REPROJECTION = 0.005
"""Largest distance, in focal lengths, between a joint in the image and the projection of its 3D position: 6 px of the
original frames, where the two agree within 0.2 px."""


@dataclass(frozen=True)
class H36MJoints:
    """N frames, each of one person. Arrays are float64 unless said otherwise.

    Attributes:
        root: folder of the data set.
        names: file names below ``root/images``.
        sizes: (N, 2) int, width and height of the frames as stored, px; None where they were not looked at.
        principal_points: (N, 2) px, of the cameras.
        centres: (N, 2), middle of the person's box, px.
        extents: (N, 2), width and height of the box, px.
        joints: (N, 17, 2) px.
        visible: (N, 17) bool.
        poses: (N, 17, 3), root-relative, in camera coordinates, mm.
    """

    root: Path
    names: list[str]
    sizes: np.ndarray | None
    principal_points: np.ndarray
    centres: np.ndarray
    extents: np.ndarray
    joints: np.ndarray
    visible: np.ndarray
    poses: np.ndarray

    def __len__(self) -> int:
        return len(self.names)

    def labelled(self, size: tuple[int, int], box_scale: float) -> LabelledPeople:
        """The people with the regions that a network of input ``size`` (width, height) sees of them."""
        widths = widths_at_aspect(self.extents, size, box_scale)
        people = People(self.root / "images", self.names, self.sizes, self.centres, widths)
        return LabelledPeople(people, self.joints, self.visible)


def annotation_path(root: str | Path, split: str) -> Path:
    """The annotation file of ``split``, train or test."""
    return Path(root) / JOINTS[split]


def read_h36m_2d(root: str | Path, split: str, stride: int) -> H36MJoints:
    """Read and check one split of ``root``, the folder with ``annot/`` and ``images/``. Every image has to be there.

    Args:
        split: train or test.
        stride: in frames of the video, as ``image_id`` counts them, from the first one of each take and camera.

    Raises:
        InputError: naming the file and, where one is to blame, the index of the sample.
    """
    path = annotation_path(root, split)
    frames, numbered = _load(path)
    kept = _every(numbered, stride)
    joints, entries = _examined(frames, kept, path)
    entries.check(np.isin(numbered[kept, 0], SUBJECTS[split]), f"its subject is not in the {split} split")
    joints = with_sizes(joints, entries)
    entries.finish()
    return joints


def read_joints(path: Path, stride: int) -> H36MJoints:
    """Read and check an annotation file alone; no image needs to be there."""
    frames, numbered = _load(path)
    joints, entries = _examined(frames, _every(numbered, stride), path)
    entries.finish()
    return joints


def examine(path: Path, stride: int) -> tuple[H36MJoints, Entries, int]:
    """All frames of an annotation file, what is wrong with them, and how many of them ``stride`` keeps."""
    frames, numbered = _load(path)
    return *_examined(frames, range(len(frames)), path), len(_every(numbered, stride))


def with_sizes(joints: H36MJoints, entries: Entries) -> H36MJoints:
    """``joints`` with the sizes of their images; what is wrong with these is noted in ``entries``.

    The files don't say what size their frames have, but a camera's principal point is near the middle of its frame.
    """
    folder = joints.root / "images"
    entries.pictures(folder)
    sizes = frame_sizes(folder, joints.names, entries)
    with np.errstate(all="ignore"):  # 0 where an entry has a fault already
        entries.within("camera: cx, cy is at", joints.principal_points / sizes, PRINCIPAL_POINT)
    return replace(joints, sizes=sizes)


def _load(path: Path) -> tuple[list[dict[str, Any]], np.ndarray]:
    """All frames of an annotation file, and subject, action, subaction, camera and frame number of each, (N, 5)."""
    frames = load_plain(path, REMEDY)
    if not isinstance(frames, list):
        raise InputError(f"{path}: is not a list of frames; {REMEDY}")
    if not frames:
        raise InputError(f"{path}: holds no sample; {REMEDY}")
    keys = ("subject", "action", "subaction", "camera_id", "image_id")
    entries = Entries(path, REMEDY, range(len(frames)))
    numbered = entries.numbers(lambda i: [frames[i][key] for key in keys], ", ".join(keys), (5,))
    entries.finish()
    return frames, numbered


def _every(numbered: np.ndarray, stride: int) -> list[int]:
    """Indices of the frames of `_load` that ``stride`` keeps, from the first of each take and camera on."""
    _, take = np.unique(numbered[:, :4], axis=0, return_inverse=True)
    first = np.full(take.max() + 1, np.inf)
    np.minimum.at(first, take, numbered[:, 4])
    return np.flatnonzero((numbered[:, 4] - first[take]) % stride == 0).tolist()


def _examined(frames: list[dict[str, Any]], kept: Sequence[int], path: Path) -> tuple[H36MJoints, Entries]:
    """The ``kept`` frames, and what is wrong with them."""
    names = [str(frames[i].get("image")) for i in kept]
    entries = Entries(path, REMEDY, kept, names)

    def array(key: str, *shape: int) -> np.ndarray:
        return entries.numbers(lambda i: frames[i][key], key, shape)

    def camera(*keys: str, count: int) -> np.ndarray:
        # Vectors are stored as columns, single numbers bare or as arrays.
        return entries.numbers(
            lambda i: np.concatenate([np.ravel(frames[i]["camera"][key]) for key in keys]),
            f"camera: {', '.join(keys)}",
            (count,),
        )

    joints, seen = array("joints_2d", NUM_JOINTS, 2), array("joints_3d_camera", NUM_JOINTS, 3)
    visible = entries.numbers(
        lambda i: np.reshape(frames[i]["joints_vis"], (NUM_JOINTS, -1))[:, 0], "joints_vis", (NUM_JOINTS,), flags=True
    )
    centres, scales = array("center", 2), array("scale", 2)
    f, c = camera("fx", "fy", count=2), camera("cx", "cy", count=2)
    k, p = camera("k", count=3), camera("p", count=2)
    entries.check((scales > 0).all(axis=1), "scale is not above 0")
    entries.check((f > 0).all(axis=1), "camera: fx or fy is not above 0")
    entries.check((seen[..., 2] > 0).all(axis=1), "a joint is behind the camera")
    entries.within("the bones of joints_3d_camera are on average", mean_bones(seen), MEAN_BONE)
    entries.within("the longest bone of joints_3d_camera is", bone_lengths(seen).max(axis=1), LONGEST_BONE)
    entries.within("the distance from the camera is", seen[:, 0, 2], DEPTH)
    with np.errstate(all="ignore"):  # of entries that have a fault already
        entries.within("camera: fx or fy is", f / (2 * c), FOCAL_LENGTH)
        distances = np.linalg.norm(project_through_lens(seen, f, c, k, p) - joints, axis=2).max(axis=1)
    entries.check(distances <= _REPROJECTION * f[:, 0], "joints_3d_camera doesn't project to joints_2d through camera")
    extents = scales * _PX_PER_SCALE
    in_box = (np.abs(joints[:, 0] - centres) <= extents / 2).all(axis=1)
    entries.check(in_box, "the root is outside the box of center and scale: they belong to another frame")
    joints = H36MJoints(
        root=path.parent.parent,
        names=names,
        sizes=None,
        principal_points=c,
        centres=centres,
        extents=extents,
        joints=joints,
        visible=visible > 0,
        poses=seen - seen[:, :1],
    )
    return joints, entries
