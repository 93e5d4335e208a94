"""Batches of pairs of images that show one person, in an order that depends on the seed and the epoch alone."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from liftedcl.identity.errors import InputError
from liftedcl.images.batches import Batch, read_batch, steps_of, stretches_of
from liftedcl.images.pairs import KINDS, PairList
from liftedcl.images.prefetch import prefetch
from liftedcl.images.shard import Shard
from liftedcl.images.shard_union import ShardUnion


@dataclass(frozen=True)
class PairBatch:
    """Pairs of images of a shard, on the CPU: ``first`` and ``second``, and ``kinds`` (B,) int64, places in `KINDS`."""

    first: Batch
    second: Batch
    kinds: Tensor


def checksum_of(pairs: PairList) -> str:
    """Hex SHA-256 of the pairs and their order."""
    return hashlib.sha256(np.stack([pairs.first, pairs.second, pairs.kinds]).tobytes()).hexdigest()


class PairBatches:
    """Whole batches of pairs of some ``kinds``, which take turns, so a batch has equally many of each.

    An epoch has as many pairs as the shard has images, so it is as long as that of a method without pairs, whatever the
    list holds. Each kind is drawn without repeats; one with fewer pairs than an epoch takes begins again.
    """

    def __init__(
        self, shard: Shard | ShardUnion, pairs: PairList, kinds: tuple[str, ...], *, batch_size: int, seed: int
    ):
        self._rows = [np.flatnonzero(pairs.kinds == KINDS.index(kind)) for kind in kinds]
        for kind, rows in zip(kinds, self._rows, strict=True):
            if not len(rows):
                raise InputError(
                    f"{shard.path}: its pairs have none of kind {kind}; leave it out of pairs.kinds, or make the list "
                    "of pairs again with such pairs"
                )
        self.steps_per_epoch = steps_of(shard, batch_size)
        self._shard, self._pairs, self._batch_size, self._seed = shard, pairs, batch_size, seed
        self._stretches = torch.from_numpy(stretches_of(shard))

    def epoch(self, epoch: int, first_step: int) -> Iterator[PairBatch]:
        """The batches of ``epoch`` from ``first_step`` on, read ahead by a thread that ends with the iterator."""
        return prefetch(self._read(epoch, first_step))

    def _read(self, epoch: int, first_step: int) -> Iterator[PairBatch]:
        order = self._order(epoch)
        for step in range(first_step, self.steps_per_epoch):
            chosen, now = order[step * self._batch_size :][: self._batch_size], epoch * self.steps_per_epoch + step
            first, second = (
                read_batch(self._shard, rows[chosen], self._stretches, now)
                for rows in (self._pairs.first, self._pairs.second)
            )
            yield PairBatch(first, second, torch.from_numpy(self._pairs.kinds[chosen]))

    def _order(self, epoch: int) -> np.ndarray:
        """The pairs of ``epoch`` in their order."""
        rng, count = np.random.default_rng([self._seed, epoch]), self.steps_per_epoch * self._batch_size
        length = -(-count // len(self._rows))
        drawn = []
        for rows in self._rows:
            rounds = [rng.permutation(rows) for _ in range(-(-length // len(rows)))]
            drawn.append(np.concatenate(rounds)[:length])
        return np.stack(drawn, axis=1).ravel()[:count]
