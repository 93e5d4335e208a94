"""Batches of people with their joints and depth, in an order that depends on the seed and the epoch alone."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from liftedcl.images.batches import Batch, read_batch, steps_of
from liftedcl.images.modalities import open_modalities
from liftedcl.images.prefetch import prefetch
from liftedcl.images.shard import Shard
from liftedcl.images.shard_union import ShardUnion


@dataclass(frozen=True)
class PeopleBatch:
    """Images of a shard and what they have beside: all on the CPU.

    Attributes:
        images: the images, B of them.
        joints: (B, 13, 2) float32, px of the image, pixel centres at whole numbers; 0 where not labelled.
        labelled: (B, 13) bool.
        depth: (B, 1, H, W) float32 in metres, 0 where nothing was measured or there is no depth; None if not read.
    """

    images: Batch
    joints: Tensor
    labelled: Tensor
    depth: Tensor | None


class PeopleBatches:
    """Whole batches of a shard of people, or of several: each set then gives an equal share of them on average.

    As in HCMoCo's published code, an image of several sets is drawn with replacement, its set first, and an epoch has
    as many as all sets together. One set alone is gone through in a new order each epoch.
    """

    def __init__(self, shard: Shard | ShardUnion, *, depth: bool, batch_size: int, seed: int):
        self.steps_per_epoch = steps_of(shard, batch_size)
        self._shard, self._batch_size, self._seed, self._depth = shard, batch_size, seed, depth
        self._modalities = open_modalities(shard)
        self._stretches = torch.ones(len(shard))
        self._counts = [len(each) for each in shard.shards] if isinstance(shard, ShardUnion) else [len(shard)]

    def epoch(self, epoch: int, first_step: int) -> Iterator[PeopleBatch]:
        """The batches of ``epoch`` from ``first_step`` on, read ahead by a thread that ends with the iterator."""
        return prefetch(self._read(epoch, first_step))

    def _read(self, epoch: int, first_step: int) -> Iterator[PeopleBatch]:
        order = self._order(epoch)
        for step in range(first_step, self.steps_per_epoch):
            rows = order[step * self._batch_size :][: self._batch_size]
            images = read_batch(self._shard, rows, self._stretches, epoch * self.steps_per_epoch + step)
            joints, labelled = (torch.from_numpy(x[rows]) for x in (self._modalities.joints, self._modalities.labelled))
            yield PeopleBatch(images, joints, labelled, self._metres(rows) if self._depth else None)

    def _metres(self, rows: np.ndarray) -> Tensor:
        depth = self._modalities.depth(rows, self._shard.image_size)
        return torch.from_numpy(depth.astype(np.float32) / 1000.0)[:, None]

    def _order(self, epoch: int) -> np.ndarray:
        """The rows of ``epoch`` in their order."""
        rng, counts = np.random.default_rng([self._seed, epoch]), np.array(self._counts)
        if len(counts) == 1:
            return rng.permutation(counts[0])
        chosen = rng.integers(len(counts), size=self.steps_per_epoch * self._batch_size)
        starts = np.cumsum(counts) - counts
        return starts[chosen] + rng.integers(counts[chosen])
