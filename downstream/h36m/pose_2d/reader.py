"""Human3.6M as the 2D pose benchmark reads it (Qiu et al. 2019): S1, 5, 6, 7, 8 for training, S9, 11 for testing.

The files are pickled lists with a dict for each frame, and the images ``ROOT/images/<image>``. Everything that is used
is checked when read. Unlike the 3D benchmark, this one keeps all sequences of S9.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from downstream.h36m.shared.camera import project_through_lens
from downstream.reading.annotation_entries import check_all, check_pictures, numbers
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
        centres: (N, 2), middle of the person's box, px.
        extents: (N, 2), width and height of the box, px.
        joints: (N, 17, 2) px.
        visible: (N, 17) bool.
        poses: (N, 17, 3), root-relative, in camera coordinates, mm.
    """

    root: Path
    names: list[str]
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
        people = People(self.root / "images", self.names, None, self.centres, widths)
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
    entries, frames = _load(path)
    kept = _every(frames, stride)
    own = np.isin(frames[kept, 0], SUBJECTS[split])
    check_all(own, f"its subject is not in the {split} split", path, REMEDY, kept)
    joints = _joints(entries, kept, path)
    check_pictures(joints.root / "images", joints.names, path, REMEDY, kept)
    return joints


def read_joints(path: Path, stride: int) -> H36MJoints:
    """Read and check an annotation file alone; no image needs to be there."""
    entries, frames = _load(path)
    return _joints(entries, _every(frames, stride), path)


def read_all(path: Path, stride: int) -> tuple[H36MJoints, int]:
    """Read and check all frames of an annotation file, and count those that ``stride`` keeps."""
    entries, frames = _load(path)
    return _joints(entries, range(len(entries)), path), len(_every(frames, stride))


def _load(path: Path) -> tuple[list[dict[str, Any]], np.ndarray]:
    """All entries of an annotation file, and subject, action, subaction, camera and frame number of each, (N, 5)."""
    entries = load_plain(path, REMEDY)
    if not isinstance(entries, list):
        raise InputError(f"{path}: is not a list of frames; {REMEDY}")
    if not entries:
        raise InputError(f"{path}: holds no sample; {REMEDY}")
    keys = ("subject", "action", "subaction", "camera_id", "image_id")
    return entries, numbers(
        lambda i: [entries[i][key] for key in keys], ", ".join(keys), (5,), len(entries), path, REMEDY
    )


def _every(frames: np.ndarray, stride: int) -> list[int]:
    """Indices of the ``frames`` of `_load` that ``stride`` keeps, from the first of each take and camera on."""
    _, take = np.unique(frames[:, :4], axis=0, return_inverse=True)
    first = np.full(take.max() + 1, np.inf)
    np.minimum.at(first, take, frames[:, 4])
    return np.flatnonzero((frames[:, 4] - first[take]) % stride == 0).tolist()


def _joints(entries: list[dict[str, Any]], kept: Sequence[int], path: Path) -> H36MJoints:
    column = partial(numbers, count=len(kept), path=path, remedy=REMEDY, kept=kept)
    check = partial(check_all, path=path, remedy=REMEDY, kept=kept)

    def array(key: str, *shape: int) -> np.ndarray:
        return column(lambda i: entries[i][key], key, shape)

    def camera(*keys: str, count: int) -> np.ndarray:
        # Vectors are stored as columns, single numbers bare or as arrays.
        return column(
            lambda i: np.concatenate([np.ravel(entries[i]["camera"][key]) for key in keys]),
            f"camera: {', '.join(keys)}",
            (count,),
        )

    joints, seen = array("joints_2d", NUM_JOINTS, 2), array("joints_3d_camera", NUM_JOINTS, 3)
    visible = column(
        lambda i: np.reshape(entries[i]["joints_vis"], (NUM_JOINTS, -1))[:, 0], "joints_vis", (NUM_JOINTS,)
    )
    centres, scales = array("center", 2), array("scale", 2)
    f, c = camera("fx", "fy", count=2), camera("cx", "cy", count=2)
    k, p = camera("k", count=3), camera("p", count=2)
    check((scales > 0).all(axis=1), "scale is not above 0")
    check((f > 0).all(axis=1), "camera: fx or fy is not above 0")
    check((seen[..., 2] > 0).all(axis=1), "a joint is behind the camera")
    distances = np.linalg.norm(project_through_lens(seen, f, c, k, p) - joints, axis=2).max(axis=1)
    check(distances <= _REPROJECTION * f[:, 0], "joints_3d_camera doesn't project to joints_2d through camera")
    extents = scales * _PX_PER_SCALE
    in_box = (np.abs(joints[:, 0] - centres) <= extents / 2).all(axis=1)
    check(in_box, "the root is outside the box of center and scale: they belong to another frame")
    return H36MJoints(
        root=path.parent.parent,
        names=[str(entries[i].get("image")) for i in kept],
        centres=centres,
        extents=extents,
        joints=joints,
        visible=visible > 0,
        poses=seen - seen[:, :1],
    )
