"""Batches of a packed shard: the order of an epoch is a function of the seed and the epoch alone."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from liftedcl.errors import InputError
from liftedcl.shard import Shard


@dataclass(frozen=True)
class Batch:
    """``images`` (B, 3, H, W) uint8 RGB on the CPU; ``rows`` (B,) int64, their rows in the shard."""

    images: Tensor
    rows: Tensor


class ShardBatches:
    """Whole batches of a shard in a fresh order each epoch; the remainder of an epoch is left out, as in MoCo."""

    def __init__(self, shard: Shard, *, batch_size: int, seed: int):
        if len(shard.images) < batch_size:
            raise InputError(
                f"{shard.path}: holds {len(shard.images)} images, less than one batch of {batch_size}; "
                "lower training.batch_size or add data"
            )
        self._images, self._batch_size, self._seed = shard.images, batch_size, seed
        self.steps_per_epoch = len(shard.images) // batch_size

    def epoch(self, epoch: int, first_step: int) -> Iterator[Batch]:
        """The batches of ``epoch`` from ``first_step`` on."""
        order = np.random.default_rng([self._seed, epoch]).permutation(len(self._images))
        for step in range(first_step, self.steps_per_epoch):
            rows = order[step * self._batch_size : (step + 1) * self._batch_size]
            images = torch.from_numpy(np.ascontiguousarray(self._images[rows].transpose(0, 3, 1, 2)))
            yield Batch(images=images, rows=torch.from_numpy(rows))
