"""Scores of human parsing from label maps: pixel accuracy, mean accuracy and mIoU over LIP's twenty classes.

They come from one confusion matrix over the whole split (Gong et al. 2017), so that large images weigh more. Ignored
pixels (255) don't count.
"""

from pathlib import Path
from typing import Any

import numpy as np

from downstream.lip.labels import CLASSES, IGNORED, NUM_CLASSES
from downstream.lip.predictions import PREDICTIONS, STUDENT_PREDICTIONS, read_prediction
from downstream.lip.reader import REMEDY, label_path, list_path, read_label, read_names
from downstream.lip.recipe import LIP
from liftedcl.files.image_files import process_images
from liftedcl.identity.errors import InputError


def score_run(recipe: LIP, data: Path, run: Path) -> dict[str, Any]:
    """What metrics.json holds of the val split: the teacher's scores, and the student's under ``student``."""
    paths = [label_path(data, "val", name) for name in read_names(list_path(data, "val"))]
    scores, student = (score_maps(paths, run / folder) for folder in (PREDICTIONS, STUDENT_PREDICTIONS))
    return scores | {"student": student, "samples": len(paths)}


def confusion(truth: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Pixels of each true (row) and predicted (column) class, (20, 20) int64.

    Args:
        truth: classes or 255, uint8, any shape.
        predicted: classes, uint8, the same shape.
    """
    pairs = truth.astype(np.uint16) * NUM_CLASSES + predicted
    counts = np.bincount(pairs.ravel(), minlength=(IGNORED + 1) * NUM_CLASSES)
    return counts.reshape(-1, NUM_CLASSES)[:NUM_CLASSES]


def score(counts: np.ndarray) -> dict[str, Any]:
    """Scores in percent of a confusion matrix (20, 20), as from `confusion`, that isn't empty.

    A class that is neither true nor predicted anywhere is left out of both means and of ``per_class``; one that is only
    predicted counts as 0, as in torchmetrics. In LIP's val split every class occurs, so this rule doesn't matter there.
    """
    right, true, predicted = np.diag(counts), counts.sum(1), counts.sum(0)
    union = true + predicted - right
    present = union > 0
    accuracy = 100 * right[present] / np.maximum(true[present], 1)
    iou = 100 * right[present] / union[present]
    names = [name for name, there in zip(CLASSES, present, strict=True) if there]
    rows = zip(names, iou.tolist(), accuracy.tolist(), strict=True)
    return {
        "pixel_accuracy": float(100 * right.sum() / counts.sum()),
        "mean_accuracy": float(accuracy.mean()),
        "miou": float(iou.mean()),
        "per_class": {name: {"iou": one, "accuracy": other} for name, one, other in rows},
    }


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
    """Scores of the predictions of the same names against label maps.

    Raises:
        InputError: a file is missing, damaged, of another size or not a map of classes, or every pixel is ignored.
    """

    def compare(path: Path) -> np.ndarray:
        labels = read_label(path)
        return confusion(labels, read_prediction(predictions / path.name, labels.shape, path))

    counts = sum(process_images(compare, truth, workers=None, title="lip: scoring"))
    if not np.any(counts):
        raise InputError(f"{truth[0].parent}: every pixel is ignored ({IGNORED}); {REMEDY}")
    return score(counts)
