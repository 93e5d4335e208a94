"""Scores of human parsing from label maps: pixel accuracy, mean accuracy and mIoU over LIP's twenty classes.

They come from one confusion matrix over the whole split (Gong et al. 2017), so that large images weigh more. Ignored
pixels (255) don't count.
"""

from pathlib import Path
from typing import Any

import numpy as np

from downstream.label_maps import scores as label_scores
from downstream.lip.labels import LABELS
from downstream.lip.predictions import PREDICTIONS, STUDENT_PREDICTIONS
from downstream.lip.predictions import REMEDY as PREDICTION_REMEDY
from downstream.lip.reader import REMEDY, label_path, list_path, read_names
from downstream.lip.recipe import LIP
from liftedcl.identity.errors import InputError


def score_run(recipe: LIP, data: Path, run: Path) -> dict[str, Any]:
    """What metrics.json holds of the val split: the teacher's scores, and the student's under ``student``."""
    paths = [label_path(data, "val", name) for name in read_names(list_path(data, "val"))]
    scores, student = (score_maps(paths, run / folder) for folder in (PREDICTIONS, STUDENT_PREDICTIONS))
    return scores | {"student": student, "samples": len(paths)}


def confusion(truth: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Pixels of each true (row) and predicted (column) class, (20, 20) int64, as in `label_maps.scores`."""
    return label_scores.confusion(truth, predicted, LABELS.count)


def score(counts: np.ndarray) -> dict[str, Any]:
    """Scores in percent of a confusion matrix (20, 20). In LIP's val split every class occurs."""
    return label_scores.score(counts, LABELS.names)


def score_folders(annotations: Path, predictions: Path) -> dict[str, Any]:
    """Scores of ``predictions`` against every label map in ``annotations``; ``samples`` says how many there are.

    Raises:
        InputError: there is no label map, or as `score_maps`.
    """
    if not annotations.is_dir():
        raise InputError(f"{annotations}: not found, or not a folder; {REMEDY}")
    paths = sorted(annotations.glob("*.png"))
    if not paths:
        raise InputError(f"{annotations}: holds no label map (*.png); {REMEDY}")
    return score_maps(paths, predictions) | {"samples": len(paths)}


def score_maps(truth: list[Path], predictions: Path) -> dict[str, Any]:
    """Scores of the predictions of the same names against label maps; as `label_maps.scores.score_maps`."""
    pairs = [(path, predictions / path.name) for path in truth]
    return label_scores.score_maps(pairs, LABELS, truth_remedy=REMEDY, remedy=PREDICTION_REMEDY)
