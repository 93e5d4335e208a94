"""Draws label maps over their images, in LIP's colours: predictions of a run, targets of training samples."""

from pathlib import Path

import numpy as np

from downstream.label_maps.drawing import draw_labels
from downstream.lip.data import ParsingBatches, fitted_images
from downstream.lip.labels import PALETTE
from downstream.lip.predictions import PREDICTIONS, read_prediction
from downstream.lip.reader import read_lip
from downstream.lip.recipe import LIP
from downstream.lip.whole_picture import warp_labels
from downstream.samples.overlay import EXAMPLES
from liftedcl.files.evenly_spread import evenly_spread

_SIDE = 256
"""Px, the side of a drawing; smaller training samples are enlarged to about this."""


def examples(recipe: LIP, data: Path, run: Path) -> np.ndarray:
    """True labels beside predicted ones over up to 12 test images, (N, 256, 512, 3) uint8."""
    samples = read_lip(data, "val")
    crops, drawn = fitted_images(samples, _SIDE, batch_size=1), []
    for n in evenly_spread(len(samples), EXAMPLES):
        truth, name = samples.label(n), f"{samples.names[n]}.png"
        found = read_prediction(run / PREDICTIONS / name, truth.shape, samples.label_path(n))
        image, fitted = crops.crop(n), (warp_labels(labels, crops.matrices[n], _SIDE) for labels in (truth, found))
        drawn.append(np.concatenate([draw_labels(image, labels, PALETTE) for labels in fitted], axis=1))
    return np.stack(drawn)


def augmented_samples(recipe: LIP, *, data: Path, seed: int, count: int) -> np.ndarray:
    """Up to ``count`` training samples, augmented, with their labels drawn over them; small ones enlarged."""
    train = read_lip(data, "train")
    batch = ParsingBatches(train, recipe, seed=seed, cached=False).batch(evenly_spread(len(train), count))
    images = batch.images.numpy().transpose(0, 2, 3, 1)
    drawn = np.stack(
        [draw_labels(image, labels, PALETTE) for image, labels in zip(images, batch.labels.numpy(), strict=True)]
    )
    enlarged = max(1, _SIDE // recipe.input_size)
    return drawn.repeat(enlarged, axis=1).repeat(enlarged, axis=2)
