"""Training batches of images and their label maps, decoded images being kept in memory as long as a budget lasts."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from downstream.reading.frames import CACHE_BYTES
from downstream.samples.device_crops import UncutCrops, UncutLabels
from downstream.training.epoch_batches import EpochBatches, Pinnable, to_images
from downstream.training.training_recipe import FineTuning


class LabelledImages(Protocol):
    """N images and their label maps of the same sizes; `InputError` for what is damaged."""

    def __len__(self) -> int: ...

    def image(self, i: int) -> np.ndarray:
        """(H, W, C), channels last."""

    def label(self, i: int) -> np.ndarray:
        """(H, W) uint8."""


@dataclass(frozen=True)
class ParsingBatch(Pinnable):
    """``images`` (B, C, S, S), ``labels`` (B, S, S) uint8, classes or 255, of ``epoch``, counted from 0; or uncut."""

    images: Tensor | UncutCrops
    labels: Tensor | UncutLabels
    epoch: int


class LabelledBatches(EpochBatches):
    """Augmented batches of ``samples``; ``cached`` keeps decoded images in this process."""

    def __init__(self, samples: LabelledImages, recipe: FineTuning, *, seed: int, cached: bool) -> None:
        super().__init__((len(samples),), recipe, seed)
        self._samples = samples
        self._cache: dict[int, tuple[np.ndarray, np.ndarray]] = {}
        self._bytes_left = CACHE_BYTES if cached else 0

    def batch(self, draws: np.ndarray) -> ParsingBatch:
        images, labels = zip(*map(self.sample, draws.tolist(), self.rows(draws).tolist()), strict=True)
        return ParsingBatch(to_images(images), torch.from_numpy(np.stack(labels)), self._epoch)

    def sample(self, draw: int, row: int) -> tuple[np.ndarray, np.ndarray]:
        """Image (S, S, C) and label map (S, S) of ``row``, augmented with the random numbers of ``draw``."""
        raise NotImplementedError

    def decoded(self, row: int) -> tuple[np.ndarray, np.ndarray]:
        """Image (H, W, C) and label map (H, W) of ``row`` as they are stored."""
        if row in self._cache:
            return self._cache[row]
        decoded = self._samples.image(row), self._samples.label(row)
        used = sum(array.nbytes for array in decoded)
        if used <= self._bytes_left:
            self._cache[row] = decoded
            self._bytes_left -= used
        return decoded
