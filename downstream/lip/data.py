"""Batches of LIP: whole images fitted into a square, augmented for training (Li et al. 2020, section 4.2)."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from downstream.lip.files import PICTURES
from downstream.lip.labels import swap_sides
from downstream.lip.reader import LipSamples
from downstream.lip.recipe import LIP
from downstream.lip.regions import packed_samples
from downstream.lip.whole_picture import fitted, warp_labels
from downstream.reading.frames import CACHE_BYTES, Region
from downstream.samples.affine_augmentation import augmented_matrix, draw_affine
from downstream.samples.crop import from_region, warp
from downstream.samples.people import People
from downstream.samples.plain_crops import PlainCrops
from downstream.training.epoch_batches import EpochBatches, Pinnable, to_images
from downstream.training.region_cut import cut_of


@dataclass(frozen=True)
class ParsingBatch(Pinnable):
    """``images`` (B, 3, S, S) uint8 RGB, ``labels`` (B, S, S) uint8, classes or 255, of ``epoch``, counted from 0."""

    images: Tensor
    labels: Tensor
    epoch: int


class ParsingBatches(EpochBatches):
    """Augmented batches of the training split.

    ``cached`` keeps decoded images in this process; ``packed`` is the folder of the regions of `regions.plan_of`, which
    are read in place of the images.
    """

    def __init__(
        self, samples: LipSamples, recipe: LIP, *, seed: int, cached: bool, packed: Path | None = None
    ) -> None:
        super().__init__((len(samples),), recipe, seed)
        self._samples = packed_samples(packed, samples, cut_of(recipe)) if packed else samples
        self._recipe, self._sizes = recipe, samples.sizes
        self._centres, self._sides = fitted(samples.sizes, recipe.input_size)
        self._cache: dict[int, tuple[np.ndarray, np.ndarray]] = {}
        self._bytes_left = CACHE_BYTES if cached else 0

    def batch(self, draws: np.ndarray) -> ParsingBatch:
        images, labels = zip(*map(self._sample, draws.tolist(), self.rows(draws).tolist()), strict=True)
        return ParsingBatch(to_images(images), torch.from_numpy(np.stack(labels)), self._epoch)

    def _sample(self, draw: int, row: int) -> tuple[np.ndarray, np.ndarray]:
        """Image (S, S, 3) and label map (S, S)."""
        size = self._recipe.input_size
        drawn = draw_affine(self._recipe.augmentation, self.generator(draw))
        matrix = augmented_matrix(self._centres[row], self._sides[row], drawn, (size, size))
        image, labels = self._decoded(row)
        matrix = from_region(matrix, Region(image, np.zeros(2, int), self._sizes[row]))  # a packed one may be shrunk
        labels = warp_labels(labels, matrix, size)
        return warp(image, matrix, (size, size)), swap_sides(labels) if drawn.flip else labels

    def _decoded(self, row: int) -> tuple[np.ndarray, np.ndarray]:
        if row in self._cache:
            return self._cache[row]
        decoded = self._samples.image(row), self._samples.label(row)
        used = sum(array.nbytes for array in decoded)
        if used <= self._bytes_left:
            self._cache[row] = decoded
            self._bytes_left -= used
        return decoded


def fitted_images(samples: LipSamples, size: int, batch_size: int) -> PlainCrops:
    """Whole images fitted into squares of ``size`` px, in order, not augmented."""
    folder, names = samples.root / PICTURES[samples.split], [f"{name}.jpg" for name in samples.names]
    whole = People(folder, names, samples.sizes, *fitted(samples.sizes, size))
    return PlainCrops(whole, (size, size), batch_size, margin=np.inf)  # a shift of the maps could change a rounding
