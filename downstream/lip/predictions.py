"""Predicted label maps: PNGs of class numbers, ``FOLDER/<id>.png``, of the images' own size. No torch."""

from pathlib import Path

import cv2
import numpy as np

from downstream.lip.labels import IGNORED
from downstream.lip.reader import read_label
from liftedcl.files.atomic import atomic_path
from liftedcl.identity.errors import InputError

PREDICTIONS, STUDENT_PREDICTIONS = "predictions", "predictions_student"
"""Folders of a run with the teacher's predictions, which its scores are of, and the student's."""

_REMEDY = "docs/data/lip.md, `Scoring a result`, says what it holds"


def read_prediction(path: Path, shape: tuple[int, ...], truth: Path) -> np.ndarray:
    """Classes (H, W) uint8 predicted for the label map ``truth`` of ``shape``.

    Raises:
        InputError: missing, damaged, of another size, with colours, or with pixels without a class.
    """
    labels = read_label(path, _REMEDY)
    if labels.shape != shape:
        found, wanted = (f"{size[1]} x {size[0]}" for size in (labels.shape, shape))
        raise InputError(f"{path}: {found} px, but its label map {truth} has {wanted}; {_REMEDY}")
    if labels.max(initial=0) == IGNORED:
        raise InputError(f"{path}: has pixels without a class ({IGNORED}); {_REMEDY}")
    return labels


def write_prediction(folder: Path, name: str, labels: np.ndarray) -> None:
    """Write classes (H, W) uint8 of image ``name`` as ``folder/<name>.png``, 8-bit grey."""
    with atomic_path(folder / f"{name}.png") as part:
        part.write_bytes(cv2.imencode(".png", labels)[1].tobytes())
