"""Scores of parsing from label maps: pixel accuracy, mean accuracy and mIoU, the background being one of the classes.

They come from one confusion matrix over the whole split, so that large images weigh more. Ignored pixels (255) don't
count. No torch.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from downstream.label_maps.classes import IGNORED, LabelClasses
from downstream.label_maps.predictions import read_prediction
from downstream.label_maps.reading import read_label
from liftedcl.files.image_files import process_images
from liftedcl.identity.errors import InputError


def confusion(truth: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """Pixels of each true (row) and predicted (column) class, (C, C) int64.

    Args:
        truth: classes or 255, uint8, any shape.
        predicted: classes, uint8, the same shape.
        classes: C.
    """
    pairs = truth.astype(np.uint16) * classes + predicted
    counts = np.bincount(pairs.ravel(), minlength=(IGNORED + 1) * classes)
    return counts.reshape(-1, classes)[:classes]


def score(counts: np.ndarray, names: Sequence[str]) -> dict[str, Any]:
    """Scores in percent of a confusion matrix (C, C), as from `confusion`, that isn't empty.

    A class that is neither true nor predicted anywhere is left out of both means and of ``per_class``; one that is only
    predicted counts as 0, as in torchmetrics.
    """
    right, true, predicted = np.diag(counts), counts.sum(1), counts.sum(0)
    union = true + predicted - right
    present = union > 0
    accuracy = 100 * right[present] / np.maximum(true[present], 1)
    iou = 100 * right[present] / union[present]
    shown = [name for name, there in zip(names, present, strict=True) if there]
    rows = zip(shown, iou.tolist(), accuracy.tolist(), strict=True)
    return {
        "pixel_accuracy": float(100 * right.sum() / counts.sum()),
        "mean_accuracy": float(accuracy.mean()),
        "miou": float(iou.mean()),
        "per_class": {name: {"iou": one, "accuracy": other} for name, one, other in rows},
    }


def score_maps(
    pairs: Sequence[tuple[Path, Path]], classes: LabelClasses, *, truth_remedy: str, remedy: str
) -> dict[str, Any]:
    """Scores of label maps and their predictions, pairs of files, a pair at a time.

    Raises:
        InputError: a file is missing, damaged, of another size or not a map of classes, or every pixel is ignored.
    """

    def compare(pair: tuple[Path, Path]) -> np.ndarray:
        labels = read_label(pair[0], classes, truth_remedy)
        return confusion(labels, read_prediction(pair[1], labels.shape, pair[0], classes, remedy), classes.count)

    counts = sum(process_images(compare, pairs, workers=None, title=f"{classes.title}: scoring"))
    if not np.any(counts):
        raise InputError(f"{pairs[0][0].parent}: every pixel is ignored ({IGNORED}); {truth_remedy}")
    return score(counts, classes.names)
