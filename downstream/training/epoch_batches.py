"""Training batches that depend on (seed, epoch, step) alone, so that neither workers nor a resumed run change a bit."""

import contextlib
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Self

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
        on_device: crops are left to the device that trains, where a benchmark can do so.
    """

    def __init__(self, counts: Sequence[int], recipe: FineTuning, seed: int, draws: int | None = None) -> None:
        self._count, self._batch_size, self._seed = draws or sum(counts), recipe.batch_size, seed
        self.chosen = subset_of(counts, recipe.fraction, seed)
        self.on_device = False
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


class Pinnable:
    """A dataclass of a batch, whose tensors a loader can pin, so that their copy to a GPU makes nobody wait."""

    def pin_memory(self) -> Self:
        tensors = {name: value for name, value in vars(self).items() if isinstance(value, Tensor | Pinnable)}
        return replace(self, **{name: value.pin_memory() for name, value in tensors.items()})


class Epochs:
    """Batches of epoch after epoch, made by ``workers`` processes that live through all of them, or here when 0.

    Args:
        batches: has ``start(epoch)``, after which its items and its length are those of that epoch.
    """

    def __init__(self, batches: Any, workers: int) -> None:
        self._batches, self._keys = batches, []
        self._loader = _loader(_Keyed(batches), self._keys, workers, persistent_workers=workers > 0)

    def epoch(self, epoch: int, first: int) -> Iterator[Any]:
        """The batches of ``epoch`` from ``first`` on. Raises `InputError` from the first that is one."""
        self._batches.start(epoch)
        self._keys[:] = [(epoch, step) for step in range(first, len(self._batches))]
        yield from _checked(self._loader)


class _Keyed(Dataset):
    """Items by epoch and step, since a worker's copy of the batches isn't told when the next epoch begins."""

    def __init__(self, batches: Any) -> None:
        self._batches, self._epoch = batches, None

    def __getitem__(self, key: tuple[int, int]) -> Any:
        epoch, step = key
        if epoch != self._epoch:
            self._batches.start(epoch)
            self._epoch = epoch
        return self._batches[step]


def load(batches: Dataset, first: int, workers: int) -> Iterator[Any]:
    """The items of ``batches`` from ``first`` on, in order; made by ``workers`` processes, or here when 0.

    Raises:
        InputError: raised from the first item that is one.
    """
    yield from _checked(_loader(batches, range(first, len(batches)), workers))


def _loader(batches: Dataset, keys: Any, workers: int, **more: bool) -> DataLoader:
    return DataLoader(
        batches,
        batch_size=None,
        sampler=keys,
        num_workers=workers,
        pin_memory=torch.cuda.is_available(),
        generator=torch.Generator(),  # the loader would draw from the engine's stream otherwise
        **more,
    )


def _checked(items: Iterable[Any]) -> Iterator[Any]:
    for item in items:
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
