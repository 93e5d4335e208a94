"""Training batches that are a function of (seed, epoch, step), so neither workers nor a resumed run change a bit."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from liftedcl.errors import InputError


class EpochBatches(Dataset):
    """Item ``step`` of an epoch is a whole batch, made by `batch`. The remainder of an epoch is left out.

    Args:
        count: samples of the training split.
        batch_size: samples of a batch.
        seed: decides the order of every epoch and, through `generator`, the augmentation.
    """

    def __init__(self, count: int, batch_size: int, seed: int) -> None:
        self._count, self._batch_size, self._seed = count, batch_size, seed
        self.start(0)

    def start(self, epoch: int) -> None:
        """Items are those of ``epoch`` from now on."""
        self._epoch = epoch
        self._permutation = np.random.default_rng([self._seed, epoch]).permutation(self._count)

    def __len__(self) -> int:
        return self._count // self._batch_size

    def __getitem__(self, step: int) -> Any | InputError:
        indices = self._permutation[step * self._batch_size : (step + 1) * self._batch_size]
        try:
            return self.batch(indices)
        except InputError as error:
            return error  # raised in the main process; a worker's exception would bring its stack trace along

    def generator(self, index: int) -> np.random.Generator:
        """The random numbers of sample ``index`` in this epoch."""
        return np.random.default_rng([self._seed, self._epoch, index])

    def batch(self, indices: np.ndarray) -> Any:
        """The samples ``indices`` (B,) of the split, augmented."""
        raise NotImplementedError


def load(batches: Dataset, first: int, workers: int) -> Iterator[Any]:
    """The items of ``batches`` from ``first`` on, in order; made by ``workers`` processes, or here when 0.

    Raises:
        InputError: the first item that is one.
    """
    loader = DataLoader(
        batches,
        batch_size=None,
        sampler=range(first, len(batches)),
        num_workers=workers,
        generator=torch.Generator(),  # its own: the engine's stream stays untouched
    )
    for item in loader:
        if isinstance(item, InputError):
            raise item
        yield item


def to_images(crops: list[np.ndarray] | tuple[np.ndarray, ...]) -> Tensor:
    """RGB crops (H, W, 3) to (B, 3, H, W)."""
    return torch.from_numpy(np.ascontiguousarray(np.stack(crops).transpose(0, 3, 1, 2)))
