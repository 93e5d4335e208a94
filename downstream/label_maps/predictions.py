"""Predicted label maps: PNGs of class numbers, ``FOLDER/NAME.png``, of the label maps' own size. No torch."""

from pathlib import Path

import cv2
import numpy as np

from downstream.label_maps.classes import IGNORED, LabelClasses
from downstream.label_maps.reading import read_label
from liftedcl.files.atomic import atomic_path
from liftedcl.identity.errors import InputError

PREDICTIONS = "predictions"
"""Folder of a run."""


def read_prediction(path: Path, shape: tuple[int, ...], truth: Path, classes: LabelClasses, remedy: str) -> np.ndarray:
    """Classes (H, W) uint8 predicted for the label map ``truth`` of ``shape``.

    Raises:
        InputError: missing, damaged, of another size, with colours, or with pixels without a class.
    """
    labels = read_label(path, classes, remedy)
    if labels.shape != shape:
        found, wanted = (f"{size[1]} x {size[0]}" for size in (labels.shape, shape))
        raise InputError(f"{path}: {found} px, but its label map {truth} has {wanted}; {remedy}")
    if labels.max(initial=0) == IGNORED:
        raise InputError(f"{path}: has pixels without a class ({IGNORED}); {remedy}")
    return labels


def write_prediction(folder: Path, name: str, labels: np.ndarray) -> None:
    """Write classes (H, W) uint8 of the image ``name`` as ``folder/NAME.png``, 8-bit grey."""
    with atomic_path(folder / f"{name}.png") as part:
        part.write_bytes(cv2.imencode(".png", labels)[1].tobytes())
