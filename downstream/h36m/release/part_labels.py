"""Human3.6M's own part labels: ``S1/MySegmentsMat/PartLabels/NAME.CAMERA.mat``, a label map for each video frame."""

from pathlib import Path

import numpy as np

from downstream.h36m.parsing.labels import CLASSES, FLIP_PAIRS, classes_of
from downstream.h36m.release.official import Metadata, View, official_file
from downstream.h36m.shared.names import CAMERAS
from liftedcl.data_sets.h36m.parsing_files import PART_LABELS, PART_VARIABLE
from liftedcl.files.hdf5_mat import read_cells
from liftedcl.identity.errors import InputError
from liftedcl.skeletons.skeleton import JOINTS

REMEDY = "docs/data/h36m.md, `Parsing`, says what to download and where it goes"
_SIDED = {"knee": "knee", "ankle": "foot", "elbow": "elbow", "wrist": "hand"}
"""Joints of the skeleton, and the parts that they are in the middle of or next to."""


def part_labels_path(official: Path, metadata: Metadata, view: View) -> Path:
    """The part labels of a view; `InputError` if they aren't there."""
    take, camera = view
    return official_file(
        official / f"S{take[0]}" / PART_LABELS, metadata.names[take], f".{CAMERAS[camera - 1]}.mat", REMEDY
    )


def read_part_labels(path: Path, stride: int) -> tuple[list[np.ndarray], int]:
    """Class numbers (H, W) uint8 of every ``stride``-th frame, from the first on, and the number of all frames.

    Raises:
        InputError: the file is missing or damaged, or has a value that is no part's.
    """
    matrices, count = read_cells(path, PART_VARIABLE, slice(None, None, stride), REMEDY)
    labels = [classes_of(matrix) for matrix in matrices]
    for n, found in enumerate(labels):
        if found is None:
            raise InputError(f"{path}: frame {n * stride}: holds a value that is none of Human3.6M's parts; {REMEDY}")
    if not labels:
        raise InputError(f"{path}: holds no label map; {REMEDY}")
    return labels, count


def check_size(path: Path, labels: np.ndarray, width: int, height: int) -> None:
    """Raise `InputError` unless label maps (H, W) have the size of their video."""
    if labels.shape != (height, width):
        turned = ", as if transposed" if labels.shape == (width, height) else ""
        raise InputError(
            f"{path}: its label maps have {labels.shape[1]}x{labels.shape[0]} px and the video {width}x{height}"
            f"{turned}; {REMEDY}"
        )


def check_sides(path: Path, labels: list[np.ndarray], joints: np.ndarray) -> None:
    """Hold label maps (H, W) against the 2D poses (N, 17, 2) px of their frames.

    Transposed maps of square frames, and those whose left and right are exchanged, have the right size and legal
    classes: only that a joint is on its own part tells.

    Raises:
        InputError: more joints are on their parts if the maps are transposed or the sides exchanged.
    """
    mirrored = {one: other for pair in FLIP_PAIRS for one, other in (pair, pair[::-1])}
    places = [(JOINTS.index(f"{side[0]}{joint}"), CLASSES.index(f"{side}_{part}"))
              for joint, part in _SIDED.items() for side in ("left", "right")]  # fmt: skip
    found = {"as they are": 0, "if they are transposed": 0, "if left and right are exchanged": 0}
    for one, pose in zip(labels, joints, strict=True):
        for joint, part in places:
            x, y = np.floor(pose[joint] + 0.5).astype(int)
            there, transposed = _at(one, y, x), _at(one, x, y)
            found["as they are"] += there == part
            found["if they are transposed"] += transposed == part
            found["if left and right are exchanged"] += there == mirrored[part]
    best = max(found, key=found.get)
    if found[best] > found["as they are"]:
        raise InputError(
            f"{path}: {found['as they are']} joints of the 2D poses are on their own parts, and {found[best]} {best}; "
            f"{REMEDY}"
        )


def _at(labels: np.ndarray, row: int, column: int) -> int:
    """The class at a pixel, -1 outside."""
    inside = 0 <= row < labels.shape[0] and 0 <= column < labels.shape[1]
    return int(labels[row, column]) if inside else -1
