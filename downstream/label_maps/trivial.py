"""Two predictions that don't look at the image: background everywhere, and the commonest class of each place.

The second is a map that is fitted on the training split, in coordinates of the image, and stretched to each test image.
No torch.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from downstream.label_maps.classes import BACKGROUND, LabelClasses
from downstream.label_maps.scores import confusion, score
from liftedcl.files.image_files import process_images

_CELLS = 64
"""Rows and columns of the map of commonest classes."""
Maps = tuple[Callable[[int], np.ndarray], int]
"""What gives the label map (H, W) of a sample, and the number of samples."""


def commonest_classes(train: Maps, classes: LabelClasses) -> np.ndarray:
    """The commonest class (64, 64) uint8 of each cell of the stretched training images; of equals, the lower."""
    counts = np.zeros((_CELLS * _CELLS, 256), np.int64)
    cells = np.arange(_CELLS * _CELLS)
    label, count = train

    def cell_labels(i: int) -> np.ndarray:
        return stretched(label(i), (_CELLS, _CELLS))

    title = f"{classes.title}: commonest classes"
    for labels in process_images(cell_labels, range(count), workers=None, title=title):
        counts[cells, labels.ravel()] += 1
    return counts[:, : classes.count].argmax(1).astype(np.uint8).reshape(_CELLS, _CELLS)


def trivial_scores(train: Maps, test: Maps, classes: LabelClasses) -> dict[str, Any]:
    """Scores of the prediction of the higher mIoU; ``predictor`` says which, ``candidates`` has the scores of both."""
    maps = {
        "background": np.full((1, 1), BACKGROUND, np.uint8),
        "commonest_class": commonest_classes(train, classes),
    }
    label, count = test

    def compare(i: int) -> np.ndarray:
        truth = label(i)
        return np.stack([confusion(truth, stretched(labels, truth.shape), classes.count) for labels in maps.values()])

    parts = process_images(compare, range(count), workers=None, title=f"{classes.title}: references")
    candidates = {name: score(counts, classes.names) for name, counts in zip(maps, sum(parts), strict=True)}
    best = max(candidates, key=lambda name: candidates[name]["miou"])
    shown = {name: {key: row[key] for key in row if key != "per_class"} for name, row in candidates.items()}
    return {**candidates[best], "samples": count, "predictor": best, "candidates": shown}


def stretched(labels: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Labels (H, W) stretched to ``shape``; each new pixel gets the label at its centre."""
    rows, columns = (
        ((np.arange(new) + 0.5) * old / new).astype(int) for old, new in zip(labels.shape, shape, strict=True)
    )
    return labels[rows[:, None], columns]
