"""Two predictions that don't look at the image, background everywhere and the commonest class of each place; the bound.

The second is a map that is fitted on the training split, in coordinates of the image (which is the person's box), and
stretched to each test image. The reference is the one with the higher mIoU.
"""

from pathlib import Path
from typing import Any

import numpy as np

from downstream.lip.labels import BACKGROUND, IGNORED, NUM_CLASSES
from downstream.lip.reader import LipSamples, read_lip
from downstream.lip.recipe import LIP
from downstream.lip.scores import confusion, score
from downstream.lip.whole_picture import fitted, unwarp_labels
from downstream.samples.crop import crop_matrices, invert_affine
from liftedcl.files.image_files import process_images

_CELLS = 64
"""Rows and columns of the map of commonest classes."""


def commonest_classes(train: LipSamples) -> np.ndarray:
    """The commonest class (64, 64) uint8 of each cell of the stretched training images; of equals, the lower."""
    counts = np.zeros((_CELLS * _CELLS, 256), np.int64)
    cells = np.arange(_CELLS * _CELLS)

    def stretched(i: int) -> np.ndarray:
        return _stretched(train.label(i), (_CELLS, _CELLS))

    for labels in process_images(stretched, range(len(train)), workers=None, title="lip: commonest classes"):
        counts[cells, labels.ravel()] += 1
    return counts[:, :NUM_CLASSES].argmax(1).astype(np.uint8).reshape(_CELLS, _CELLS)


def reference_scores(recipe: LIP, data: Path) -> dict[str, Any]:
    """Scores of the better prediction; ``predictor`` says which it is, ``candidates`` holds the scores of both."""
    train, val = read_lip(data, "train"), read_lip(data, "val")
    maps = {"background": np.full((1, 1), BACKGROUND, np.uint8), "commonest_class": commonest_classes(train)}

    def compare(i: int) -> np.ndarray:
        truth = val.label(i)
        return np.stack([confusion(truth, _stretched(labels, truth.shape)) for labels in maps.values()])

    parts = process_images(compare, range(len(val)), workers=None, title="lip: references")
    candidates = {name: score(counts) for name, counts in zip(maps, sum(parts), strict=True)}
    best = max(candidates, key=lambda name: candidates[name]["miou"])
    shown = {name: {key: row[key] for key in row if key != "per_class"} for name, row in candidates.items()}
    return {**candidates[best], "samples": len(val), "predictor": best, "candidates": shown}


def bound_scores(recipe: LIP, data: Path) -> dict[str, Any]:
    """Scores of the true labels in the square that the network sees, brought back to the image as predictions are.

    The network's output has fewer cells, but interpolated logits draw borders between them, so those set no bound.
    """
    val, size = read_lip(data, "val"), recipe.input_size
    matrices = crop_matrices(*fitted(val.sizes, size), size=(size, size))
    inverses = invert_affine(matrices)

    def compare(i: int) -> np.ndarray:
        truth = val.label(i)
        seen = unwarp_labels(truth, inverses[i], (size, size))
        seen[seen == IGNORED] = BACKGROUND  # a prediction has a class everywhere
        return confusion(truth, unwarp_labels(seen, matrices[i], tuple(val.sizes[i])))

    counts = sum(process_images(compare, range(len(val)), workers=None, title="lip: bound"))
    return {**score(counts), "samples": len(val)}


def _stretched(labels: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Labels (H, W) stretched to ``shape``; each new pixel gets the label at its centre."""
    rows, columns = (
        ((np.arange(new) + 0.5) * old / new).astype(int) for old, new in zip(labels.shape, shape, strict=True)
    )
    return labels[rows[:, None], columns]
