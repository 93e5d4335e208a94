"""Batches of packed images, in an order that depends on the seed and the epoch alone."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from liftedcl.identity.errors import InputError
from liftedcl.images.prefetch import prefetch
from liftedcl.images.shard import Shard
from liftedcl.images.shard_union import ShardUnion


@dataclass(frozen=True)
class Batch:
    """Images of a shard, on the CPU.

    Attributes:
        images: (B, 3, H, W) uint8 RGB, channels last in memory, pinned if there is a GPU.
        stretches: (B,) float32, how much wider the picture is packed than it is, relative to its height.
        rows: (B,) int64, their rows in the shard.
        step: the steps since the start of the run.
    """

    images: Tensor
    stretches: Tensor
    rows: Tensor
    step: int


class ShardBatches:
    """Whole batches of a shard, in a new order each epoch; the remainder of an epoch is left out, as in MoCo."""

    def __init__(self, shard: Shard | ShardUnion, *, batch_size: int, seed: int):
        self.steps_per_epoch = steps_of(shard, batch_size)
        self._shard, self._batch_size, self._seed = shard, batch_size, seed
        self._stretches = torch.from_numpy(stretches_of(shard))

    def epoch(self, epoch: int, first_step: int) -> Iterator[Batch]:
        """The batches of ``epoch`` from ``first_step`` on, read ahead by a thread that ends with the iterator."""
        return prefetch(self._read(epoch, first_step))

    def _read(self, epoch: int, first_step: int) -> Iterator[Batch]:
        order = np.random.default_rng([self._seed, epoch]).permutation(len(self._shard))
        for step in range(first_step, self.steps_per_epoch):
            rows = order[step * self._batch_size : (step + 1) * self._batch_size]
            yield read_batch(self._shard, rows, self._stretches, epoch * self.steps_per_epoch + step)


def steps_of(shard: Shard | ShardUnion, batch_size: int) -> int:
    """The whole batches of an epoch, of as many images as the shard has. Raises `InputError` if there is none."""
    if len(shard) < batch_size:
        raise InputError(
            f"{shard.path}: holds {len(shard)} images, less than one batch of {batch_size}; "
            "lower training.batch_size or add data"
        )
    return len(shard) // batch_size


def read_batch(shard: Shard | ShardUnion, rows: np.ndarray, stretches: Tensor, step: int) -> Batch:
    """The images ``rows`` (B,) int64 of a shard as the batch of ``step``; ``stretches`` (N,) are those of the shard."""
    shape = (len(rows), *shard.image_size, 3)
    images = torch.empty(shape, dtype=torch.uint8, pin_memory=torch.cuda.is_available())
    shard.gather(rows, images.numpy())
    drawn = torch.from_numpy(rows)
    return Batch(images.permute(0, 3, 1, 2), stretches[drawn], drawn, step)


def stretches_of(shard: Shard | ShardUnion) -> np.ndarray:
    """Of each image, (N,) float32: 1 in a shard whose index doesn't say how large its pictures were."""
    index, (height, width) = shard.index, shard.image_size
    if "picture_width" not in index:
        return np.ones(len(shard), np.float32)
    own = index["picture_height"].to_numpy(np.float32) / index["picture_width"].to_numpy(np.float32)
    return own * np.float32(width / height)
