"""Draws label maps over their frames: predictions of a run, targets of training samples."""

from pathlib import Path

import cv2
import numpy as np

from downstream.h36m.parsing.data import FrameBatches
from downstream.h36m.parsing.labels import LABELS
from downstream.h36m.parsing.reader import PREDICTION_REMEDY, read_parsing
from downstream.h36m.parsing.recipe import H36MParsing
from downstream.h36m.parsing.whole_frame import stretched, stretched_labels
from downstream.label_maps.drawing import draw_labels
from downstream.label_maps.predictions import PREDICTIONS, read_prediction
from downstream.samples.overlay import EXAMPLES
from liftedcl.files.evenly_spread import evenly_spread

_SIDE = 256
"""Px, the side of a drawing; smaller training samples are enlarged to about this."""


def examples(recipe: H36MParsing, data: Path, run: Path) -> np.ndarray:
    """True labels beside predicted ones over up to 12 test frames, (N, 256, 512, 3) uint8."""
    samples, drawn = read_parsing(data, "test", recipe.test_stride), []
    for n in evenly_spread(len(samples), EXAMPLES):
        truth, name = samples.label(n), f"{samples.names[n]}.png"
        found = read_prediction(run / PREDICTIONS / name, truth.shape, samples.label_path(n), LABELS, PREDICTION_REMEDY)
        image = stretched(samples.picture(n), _SIDE)
        both = (draw_labels(image, stretched_labels(labels, _SIDE, _SIDE), LABELS.palette) for labels in (truth, found))
        drawn.append(np.concatenate(list(both), axis=1))
    return np.stack(drawn)


def augmented_samples(recipe: H36MParsing, *, data: Path, seed: int, count: int) -> np.ndarray:
    """Up to ``count`` training samples, augmented, with their labels drawn over them; small ones enlarged."""
    train = read_parsing(data, "train", recipe.train_stride, depth=recipe.input == "depth")
    batch = FrameBatches(train, recipe, seed=seed, cached=False).batch(evenly_spread(len(train), count))
    images = [_visible(image) for image in batch.images.numpy().transpose(0, 2, 3, 1)]
    labels = batch.labels.numpy()
    drawn = np.stack([draw_labels(image, one, LABELS.palette) for image, one in zip(images, labels, strict=True)])
    enlarged = max(1, _SIDE // recipe.input_size)
    return drawn.repeat(enlarged, axis=1).repeat(enlarged, axis=2)


def _visible(image: np.ndarray) -> np.ndarray:
    """An image (H, W, 3) uint8 as it is; depth (H, W, 1) in grey, the nearest white, what is unknown black."""
    if image.dtype == np.uint8:
        return image
    known = image > 0
    near, far = (image[known].min(), image[known].max()) if known.any() else (0.0, 1.0)
    grey = np.where(known, 255 - 191 * (image - near) / max(far - near, 1e-6), 0)
    return cv2.cvtColor(np.rint(grey).astype(np.uint8), cv2.COLOR_GRAY2RGB)
