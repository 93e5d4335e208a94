"""Batches of LIP: whole pictures fitted into a square, augmented for training (Li et al. 2020, section 4.2)."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from downstream.lip.labels import swap_sides
from downstream.lip.reader import LipSamples
from downstream.lip.recipe import LIP
from downstream.lip.whole_picture import fitted, fitting_matrices, warp_labels
from downstream.reading.frames import CACHE_BYTES
from downstream.samples.affine_augmentation import augmented_matrix, draw_affine
from downstream.samples.crop import warp
from downstream.training.epoch_batches import EpochBatches, to_images
from liftedcl.identity.errors import InputError


@dataclass(frozen=True)
class ParsingBatch:
    """``images`` (B, 3, S, S) uint8 RGB, ``labels`` (B, S, S) uint8, classes or 255; of ``epoch``, counted from 0."""

    images: Tensor
    labels: Tensor
    epoch: int


class ParsingBatches(EpochBatches):
    """Augmented batches of the training split.

    Args:
        samples: the training split.
        recipe: size, augmentation and the fraction that is trained on.
        seed: decides that fraction, order and augmentation.
        cached: keep decoded pictures in this process.
    """

    def __init__(self, samples: LipSamples, recipe: LIP, *, seed: int, cached: bool) -> None:
        super().__init__((len(samples),), recipe, seed)
        self._samples, self._recipe = samples, recipe
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


class TestBatches(Dataset):
    """Item ``i`` is the i-th batch of fitted pictures (B, 3, S, S) uint8 RGB, in order; the last is smaller.

    Attributes:
        matrices: maps from picture to square, (N, 2, 3).
    """

    __test__ = False  # not a pytest class

    def __init__(self, samples: LipSamples, recipe: LIP) -> None:
        self._samples, self._size, self._batch_size = samples, recipe.input_size, recipe.batch_size
        self.matrices = fitting_matrices(samples.sizes, recipe.input_size)

    def __len__(self) -> int:
        return -(-len(self._samples) // self._batch_size)

    def __getitem__(self, i: int) -> Tensor | InputError:
        try:
            return to_images(
                [self._fitted(n) for n in range(len(self._samples))[i * self._batch_size :][: self._batch_size]]
            )
        except InputError as error:
            return error

    def _fitted(self, n: int) -> np.ndarray:
        return warp(self._samples.image(n), self.matrices[n], (self._size, self._size))
