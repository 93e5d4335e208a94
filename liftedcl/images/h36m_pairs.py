"""Pairs of Human3.6M's crops: the same instant seen by two cameras, and two moments of one video.

Crops are of the training subjects only (h36m_people.py), and so are their pairs. The cameras come from the annotations
(Li et al. 2021); takes, cameras and frames from the files' names.
"""

import re
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from liftedcl.data_sets.h36m.annotations import read_paired
from liftedcl.data_sets.h36m.files import POSES, REMEDY, SUBJECTS
from liftedcl.identity.errors import InputError
from liftedcl.images.pairs import KINDS, PairList, index_text
from liftedcl.images.shard import Shard
from liftedcl.recipes.data_recipes import H36MPairs

_NAME = re.compile(r"s_(\d{1,9})_act_(\d{1,9})_subact_(\d{1,9})_ca_(\d{1,9})_(\d{1,9})\.\w+")
_VIDEO, _INSTANT = [0, 1, 2, 3], [0, 1, 2, 4]
"""Columns of `_parts` that two moments of a video, and two views of an instant, have in common."""

_AXIS_TOLERANCE = 0.01  # of the length of an axis, which is 1 in a rotation


def h36m_pairs(root: str | Path, shard: Shard, recipe: H36MPairs) -> tuple[PairList, dict[str, Any]]:
    """Pairs of the crops of ``shard``, which was packed from the folder ``root``, and a report of their numbers.

    Each two crops are one pair at most, and chance decides which of them is the first. The same recipe, crops and
    cameras always give the same pairs, and those of one kind don't depend on the numbers of the other.

    Raises:
        InputError: the shard isn't of Human3.6M, a camera is missing or damaged, or no pair is in a range.
    """
    names, annotations = index_text(shard, "file"), Path(root) / POSES["train"]
    parts = _parts(shard.path, names)
    strange = ~np.isin(parts[:, 0], SUBJECTS["train"])
    if strange.any():
        raise InputError(f"{shard.path}: {names[int(strange.argmax())]} shows no training subject; {REMEDY}")
    in_range = {}
    if recipe.view_angle is not None:
        in_range["view"] = view_pairs(annotations, names, recipe.view_angle)
    if recipe.pose_gap is not None:
        in_range["pose"] = _moments(parts, recipe.pose_gap)
    kept, kinds, report = [], [], {}
    for kind, pairs in in_range.items():
        place = KINDS.index(kind)
        rng = np.random.default_rng([recipe.seed, place])
        if len(pairs) > recipe.most:
            pairs = pairs[np.sort(rng.choice(len(pairs), recipe.most, replace=False))]
        kept.append(rng.permuted(pairs, axis=1))
        kinds.append(np.full(len(pairs), place))
        report[kind] = {"in_range": len(in_range[kind]), "kept": len(pairs)}
    first, second = np.concatenate(kept).T
    return PairList(first, second, np.concatenate(kinds)), report


def view_pairs(annotations: Path, names: list[str], limits: tuple[float, float]) -> np.ndarray:
    """Images of one instant whose cameras are within the ``limits`` of the angle: (P, 2) places in ``names``.

    ``annotations`` is the file, of either split, in which the images' cameras are. Each two images are one pair.

    Raises:
        InputError: a name isn't one of Human3.6M, a camera is missing or damaged, or no two are within the limits.
    """
    parts, axes = _parts(annotations, names), _axes(annotations, names)
    _, instants = np.unique(parts[:, _INSTANT], axis=0, return_inverse=True)
    order = np.argsort(instants, kind="stable")
    pairs = [
        np.stack([order[:-shift], order[shift:]], 1)[instants[order[:-shift]] == instants[order[shift:]]]
        for shift in range(1, np.bincount(instants).max())
    ]
    together = np.concatenate([np.empty((0, 2), np.int64), *pairs])
    cosines = np.einsum("pc,pc->p", *(axes[column] for column in together.T))
    angles = np.degrees(np.arccos(np.clip(cosines, -1, 1)))
    inside = (angles >= limits[0]) & (angles <= limits[1])
    if not inside.any():
        there = f"angles are {angles.min():.0f} to {angles.max():.0f} degrees" if len(angles) else "no instant has two"
        raise InputError(
            f"{annotations}: no two cameras are {limits[0]:g} to {limits[1]:g} degrees apart ({there}); "
            "change h36m_pairs.view_angle, or set null for no view pairs"
        )
    return together[inside]


def _parts(where: Path, names: list[str]) -> np.ndarray:
    """Subject, action, subaction, camera and frame of each image that ``where`` names, (N, 5)."""
    found = [_NAME.fullmatch(name.rsplit("/", 1)[-1]) for name in names]
    if None in found:
        wrong = names[found.index(None)]
        raise InputError(f"{where}: {wrong} is not s_SUBJECT_act_ACTION_subact_TAKE_ca_CAMERA_FRAME.jpg; {REMEDY}")
    return np.array([[int(part) for part in match.groups()] for match in found])


def _axes(path: Path, names: list[str]) -> np.ndarray:
    """The optical axis of the camera of each crop in the world's frame, (N, 3) of length 1."""
    images, annotations = read_paired(path)
    given = {
        PurePosixPath(str(image.get("file_name"))).as_posix(): annotation.get("cam_param")
        for image, annotation in zip(images, annotations, strict=True)
    }
    axes = np.empty((len(names), 3))
    for place, name in enumerate(names):
        camera = given.get(name)
        rotation = camera.get("R") if isinstance(camera, dict) else None
        try:
            axes[place] = np.asarray(rotation, np.float64).reshape(3, 3)[2]  # X_camera = R (X_world - t)
            length = float(np.linalg.norm(axes[place]))
        except (TypeError, ValueError):
            length = np.nan
        if not abs(length - 1) < _AXIS_TOLERANCE:
            found = "is no rotation" if name in given else "is missing"
            raise InputError(
                f"{path}: {name}: its cam_param.R {found}, and pairs of views need the cameras' directions; {REMEDY}, "
                "or set h36m_pairs.view_angle to null"
            )
        axes[place] /= length
    return axes


def _moments(parts: np.ndarray, limits: tuple[int, int]) -> np.ndarray:
    """Crops of one video whose frames are within the ``limits`` apart: (P, 2), each two once."""
    _, videos = np.unique(parts[:, _VIDEO], axis=0, return_inverse=True)
    places = videos * (parts[:, 4].max() + limits[1] + 1) + parts[:, 4]  # so that no range reaches into another video
    order = np.argsort(places, kind="stable")
    places = places[order]
    begin = np.searchsorted(places, places + limits[0])
    counts = np.searchsorted(places, places + limits[1], side="right") - begin
    if not counts.any():
        raise InputError(
            f"h36m_pairs.pose_gap: no two crops of a video are {limits[0]} to {limits[1]} frames apart; change the "
            "range, or set null for no pose pairs"
        )
    earlier = np.repeat(np.arange(len(places)), counts)
    later = np.arange(len(earlier)) + np.repeat(begin - (np.cumsum(counts) - counts), counts)
    return np.stack([order[earlier], order[later]], 1)
