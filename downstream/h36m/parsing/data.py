"""Batches of Human3.6M parsing: augmented training frames, and the test frames stretched to the input."""

import numpy as np
from torch import Tensor
from torch.utils.data import Dataset

from downstream.h36m.parsing.reader import ParsingSamples
from downstream.h36m.parsing.recipe import H36MParsing
from downstream.h36m.parsing.whole_frame import augmented, stretched
from downstream.label_maps.batches import LabelledBatches
from downstream.training.epoch_batches import to_images
from liftedcl.identity.errors import InputError


class FrameBatches(LabelledBatches):
    """Augmented batches of the training split."""

    def __init__(self, samples: ParsingSamples, recipe: H36MParsing, *, seed: int, cached: bool) -> None:
        super().__init__(samples, recipe, seed=seed, cached=cached)
        self._recipe = recipe

    def sample(self, draw: int, row: int) -> tuple[np.ndarray, np.ndarray]:
        recipe = self._recipe
        return augmented(*self.decoded(row), recipe.augmentation, recipe.input_size, self.generator(draw))


class TestFrames(Dataset):
    """Item ``i`` is the i-th batch of test images (B, C, S, S), in order; the last is smaller."""

    def __init__(self, samples: ParsingSamples, recipe: H36MParsing) -> None:
        self._samples, self._size, self._batch_size = samples, recipe.input_size, recipe.batch_size

    def __len__(self) -> int:
        return -(-len(self._samples) // self._batch_size)

    def __getitem__(self, i: int) -> Tensor | InputError:
        rows = range(len(self._samples))[i * self._batch_size :][: self._batch_size]
        try:
            return to_images([stretched(self._samples.image(n), self._size) for n in rows])
        except InputError as error:
            return error
