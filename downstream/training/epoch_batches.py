"""Training batches that depend on (seed, epoch, step) alone, so that neither workers nor a resumed run change a bit."""

import contextlib
import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from downstream.training.training_recipe import FineTuning
from liftedcl.identity.errors import InputError


class EpochBatches(Dataset):
    """Item ``step`` of an epoch is a whole batch, made by `batch`. The remainder of an epoch is left out.

    Departure: the published code of SimplePose and RLE ends an epoch with the remainder, a batch of less: one step of
    174 (MPII) to 4,878 (Human3.6M 3D), of other batch statistics. Each epoch leaves out other samples.

    The number of draws in an epoch doesn't depend on the fraction of the samples that is trained on: each draw has
    random numbers of its own, and `rows` says which sample it takes.

    Args:
        counts: samples of each training set; in the split they follow each other.
        recipe: batch size, and the fraction of each set that is trained on.
        seed: decides that fraction, the order of every epoch and, through `generator`, the augmentation.
        draws: number of draws in an epoch; by default the number of samples.

    Attributes:
        chosen: rows of the split that are trained on, (M,) ascending.
    """

    def __init__(self, counts: Sequence[int], recipe: FineTuning, seed: int, draws: int | None = None) -> None:
        self._count, self._batch_size, self._seed = draws or sum(counts), recipe.batch_size, seed
        self.chosen = subset_of(counts, recipe.fraction, seed)
        self.start(0)

    def start(self, epoch: int) -> None:
        """From now on, items are those of ``epoch``."""
        self._epoch = epoch
        self._permutation = np.random.default_rng([self._seed, epoch]).permutation(self._count)

    def __len__(self) -> int:
        return self._count // self._batch_size

    def __getitem__(self, step: int) -> Any | InputError:
        draws = self._permutation[step * self._batch_size : (step + 1) * self._batch_size]
        try:
            return self.batch(draws)
        except InputError as error:
            return error  # raised in the main process; a worker's exception would bring its stack trace along

    def generator(self, draw: int) -> np.random.Generator:
        """The random numbers of ``draw`` in this epoch."""
        return np.random.default_rng([self._seed, self._epoch, draw])

    def rows(self, draws: np.ndarray) -> np.ndarray:
        """Rows (B,) of the split that ``draws`` (B,) of an epoch are samples of; all of `chosen` come equally often."""
        return self.chosen[draws % len(self.chosen)]

    def batch(self, draws: np.ndarray) -> Any:
        """The samples of ``draws`` (B,) of this epoch, augmented."""
        raise NotImplementedError


@contextlib.contextmanager
def workers_named(workers: int) -> Iterator[None]:
    """Everything that reads what `load` yields is done in here: torch reports a dead process wherever the run then is.

    Raises:
        InputError: the system has ended a process that loads data.
    """
    try:
        yield
    except RuntimeError as error:
        if not str(error).startswith("DataLoader worker"):
            raise
        raise InputError(
            f"--workers {workers}: the system ended a process that loads data, usually because memory (or shared "
            f"memory, /dev/shm) was short: {str(error).splitlines()[0]} Run the same command again, which goes on from "
            "its last checkpoint, with fewer workers (compute.workers in params.yaml; no result depends on it)"
        ) from None


def load(batches: Dataset, first: int, workers: int) -> Iterator[Any]:
    """The items of ``batches`` from ``first`` on, in order; made by ``workers`` processes, or here when 0.

    Raises:
        InputError: raised from the first item that is one.
    """
    loader = DataLoader(
        batches,
        batch_size=None,
        sampler=range(first, len(batches)),
        num_workers=workers,
        generator=torch.Generator(),  # the loader would draw from the engine's stream otherwise
    )
    for item in loader:
        if isinstance(item, InputError):
            raise item
        yield item


def subset_of(counts: Sequence[int], fraction: float, seed: int) -> np.ndarray:
    """Rows (M,), ascending, of sets of ``counts`` samples that follow each other; ``fraction`` of each set.

    They are the first ceil(fraction * count) of one permutation of each set, so that the rows of a smaller fraction are
    among those of a larger one.
    """
    rows = []
    for first, count in zip(np.cumsum(counts) - counts, counts, strict=True):
        kept = max(1, math.ceil(round(fraction * count, 6)))  # 0.07 * 100 is a little more than 7
        # The key keeps this stream apart from those of orders and augmentation, which start from the same seed.
        permutation = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(0,))).permutation(count)
        rows.append(first + np.sort(permutation[:kept]))  # sorted, so that the whole set stays in its order
    return np.concatenate(rows)


def to_images(crops: list[np.ndarray] | tuple[np.ndarray, ...]) -> Tensor:
    """RGB crops (H, W, 3) to (B, 3, H, W), channels last in memory, as networks take them."""
    return torch.from_numpy(np.stack(crops)).permute(0, 3, 1, 2)
