"""Two predictions that don't look at the image, background everywhere and the commonest class of each place; the bound.

The second is a map that is fitted on the training split, in coordinates of the image (which is the person's box), and
stretched to each test image. The reference is the one with the higher mIoU.
"""

from pathlib import Path
from typing import Any

import numpy as np

from downstream.label_maps import trivial
from downstream.label_maps.classes import BACKGROUND, IGNORED
from downstream.lip.labels import LABELS
from downstream.lip.reader import LipSamples, read_lip
from downstream.lip.recipe import LIP
from downstream.lip.scores import confusion, score
from downstream.lip.whole_picture import fitted, unwarp_labels
from downstream.samples.crop import crop_matrices, invert_affine
from liftedcl.files.image_files import process_images


def commonest_classes(train: LipSamples) -> np.ndarray:
    """The commonest class (64, 64) uint8 of each cell of the stretched training images."""
    return trivial.commonest_classes((train.label, len(train)), LABELS)


def reference_scores(recipe: LIP, data: Path) -> dict[str, Any]:
    """Scores of the better prediction; ``predictor`` says which it is, ``candidates`` holds the scores of both."""
    train, val = read_lip(data, "train"), read_lip(data, "val")
    return trivial.trivial_scores((train.label, len(train)), (val.label, len(val)), LABELS)


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
