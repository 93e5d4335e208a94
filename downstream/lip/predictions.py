"""Predicted label maps: PNGs of class numbers, ``FOLDER/<id>.png``, of the images' own size. No torch."""

from pathlib import Path

import numpy as np

from downstream.label_maps import predictions
from downstream.label_maps.predictions import PREDICTIONS, write_prediction
from downstream.lip.labels import LABELS

__all__ = ["PREDICTIONS", "REMEDY", "STUDENT_PREDICTIONS", "read_prediction", "write_prediction"]

STUDENT_PREDICTIONS = "predictions_student"
"""The other folder of a run; its scores are of the teacher's, in `PREDICTIONS`."""
REMEDY = "docs/data/lip.md, `Scoring a result`, says what it holds"


def read_prediction(path: Path, shape: tuple[int, ...], truth: Path) -> np.ndarray:
    """Classes (H, W) uint8 predicted for the label map ``truth`` of ``shape``; as in `label_maps.predictions`."""
    return predictions.read_prediction(path, shape, truth, LABELS, REMEDY)
