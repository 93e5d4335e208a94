"""Batches of the 3DPW benchmark: crops and targets, drawn from the training sets by their shares.

A batch is a function of the seed and its step, so neither workers nor a resumed run change a bit.
"""

import bisect
import itertools
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from downstream.pw3d.augmentation import draw_colours
from downstream.pw3d.body.body_model import MIRRORED_JOINTS, MIRRORED_TRAINING_JOINTS
from downstream.pw3d.reader import ShapeSamples
from downstream.pw3d.recipe import PW3D
from downstream.reading.frames import CACHE_BYTES
from downstream.samples.crop import apply_affine, crop_matrices
from downstream.samples.people import People
from downstream.samples.plain_crops import PlainCrops
from downstream.training.epoch_batches import subset_of, to_images
from liftedcl.identity.errors import InputError


@dataclass(frozen=True)
class ShapeBatch:
    """B people.

    Attributes:
        images: (B, 3, S, S) uint8 RGB, mirrored where drawn; colours not yet changed.
        colours: (B, 6) factors of augmentation.py.
        keypoints_2d: (B, 24, 3): places in the crop from -1 to 1, and confidence.
        keypoints_3d: (B, 24, 4): metres and confidence.
        pose, betas: (B, 72) axis-angle, (B, 10); known where ``has_smpl`` (B,) is 1.
        sizes: sides in px (K,) at which the K levels of this step see the people.
        epochs: number of epochs of the run before this step.
    """

    images: Tensor
    colours: Tensor
    keypoints_2d: Tensor
    keypoints_3d: Tensor
    pose: Tensor
    betas: Tensor
    has_smpl: Tensor
    sizes: tuple[int, ...]
    epochs: float


def batch_size_in(recipe: PW3D, epoch: int) -> int:
    """Images in a batch of ``epoch`` (from 0)."""
    sizes = (recipe.batch_size, *recipe.later_batch_sizes)
    return sizes[min(epoch, len(sizes) - 1)]


class Steps:
    """The steps of a run whose epochs have batches of different sizes. The remainder of an epoch is left out.

    The engine expects epochs of equal length: it gets the run in as many equal parts as there are epochs, without the
    few steps of the remainder. So a row of the history is such a part, which need not be an epoch of the data.
    """

    def __init__(self, recipe: PW3D, samples: int) -> None:
        counts = [samples // batch_size_in(recipe, epoch) for epoch in range(recipe.epochs)]
        self._starts = [0, *itertools.accumulate(counts)]
        self.per_part = self._starts[-1] // recipe.epochs

    def epoch_of(self, step: int) -> tuple[int, int]:
        """The epoch of the data that step ``step`` of the run belongs to, and the step's number in that epoch."""
        epoch = bisect.bisect_right(self._starts, step) - 1
        return epoch, step - self._starts[epoch]

    def epochs_done(self, step: int) -> float:
        """The number of epochs before ``step``, a fraction included."""
        epoch, within = self.epoch_of(step)
        return epoch + within / (self._starts[epoch + 1] - self._starts[epoch])


class ShapeBatches(Dataset):
    """Item ``step`` is a batch of the part of the run that `start` chose; see `Steps`.

    An epoch is as long as the largest set. The set of each sample is drawn by the shares (Kolotouros et al. 2019), and
    each set, or the fraction of it that is trained on, is repeated in random order.

    Args:
        mix: the sets with their shares.
        recipe: sizes, augmentation and the fraction of each set that is trained on.
        seed: decides that fraction, sets, order and augmentation.
        cached: keep crops in this process.
    """

    def __init__(self, mix: list[tuple[ShapeSamples, float]], recipe: PW3D, *, seed: int, cached: bool) -> None:
        sets = [samples for samples, _ in mix]
        self._recipe, self._seed = recipe, seed
        self._shares = np.array([share for _, share in mix])
        self._counts = np.array([len(samples) for samples in sets])
        self._firsts = np.cumsum(self._counts) - self._counts
        chosen = subset_of(self._counts, recipe.fraction, seed)
        self._chosen = np.split(chosen, np.searchsorted(chosen, self._firsts[1:]))
        self._pictures = [PlainCrops(region(samples), (recipe.input_size,) * 2, batch_size=1) for samples in sets]
        self._cache: dict[int, np.ndarray] = {}
        self._cached = min(int(self._counts.sum()), CACHE_BYTES // (3 * recipe.input_size**2)) if cached else 0
        self._centres, self._scales, self._joints_2d, self._joints_3d, self._pose, self._betas, self._has_smpl = (
            np.concatenate([getattr(samples, name) for samples in sets])
            for name in ("centres", "scales", "joints_2d", "joints_3d", "pose", "betas", "has_smpl")
        )
        self.steps = Steps(recipe, int(self._counts.max()))
        self._drawn: tuple[int, np.ndarray] | None = None
        self.start(0)

    def start(self, part: int) -> None:
        """Items are those of ``part`` from now on."""
        self._first_step = part * len(self)

    def __len__(self) -> int:
        return self.steps.per_part

    def __getitem__(self, step: int) -> ShapeBatch | InputError:
        step += self._first_step
        recipe, (epoch, within) = self._recipe, self.steps.epoch_of(step)
        size = batch_size_in(recipe, epoch)
        places = slice(within * size, (within + 1) * size)
        rows = self._order(epoch)[places]
        streams = [np.random.default_rng([self._seed, epoch, place]) for place in range(places.start, places.stop)]
        flips = np.array([rng.random() < recipe.augmentation.flip for rng in streams])
        try:
            crops = [self._crop(int(row)) for row in rows]
        except InputError as error:
            return error  # raised in the main process; a worker's exception would bring its stack trace along
        keypoints_2d, keypoints_3d, pose = self._targets(rows, flips)
        return ShapeBatch(
            images=to_images([crop[:, ::-1] if flip else crop for crop, flip in zip(crops, flips, strict=True)]),
            colours=_floats(np.stack([draw_colours(recipe.augmentation, rng) for rng in streams])),
            keypoints_2d=_floats(keypoints_2d),
            keypoints_3d=_floats(keypoints_3d),
            pose=_floats(pose),
            betas=_floats(self._betas[rows]),
            has_smpl=_floats(self._has_smpl[rows]),
            sizes=self._resolutions(epoch, step),
            epochs=self.steps.epochs_done(step),
        )

    def _order(self, epoch: int) -> np.ndarray:
        """The row, among those of all sets, of each sample of ``epoch``."""
        if self._drawn is None or self._drawn[0] != epoch:
            rng, longest = np.random.default_rng([self._seed, epoch]), int(self._counts.max())
            draws = [np.resize(rng.permutation(count), longest) for count in self._counts]
            rows = np.stack([chosen[of % len(chosen)] for chosen, of in zip(self._chosen, draws, strict=True)])
            sets = rng.choice(len(self._counts), size=longest, p=self._shares / self._shares.sum())
            self._drawn = epoch, rows[sets, np.arange(longest)]
        return self._drawn[1]

    def _resolutions(self, epoch: int, step: int) -> tuple[int, ...]:
        """Sides in px of the levels that ``epoch`` (from 0) trains: the full one, then ``epoch`` + 1 lower ones."""
        # This key is one number longer than those of the samples' streams, so that no stream is the same.
        rng, low = np.random.default_rng([self._seed, epoch, step, 1]), self._recipe.low_resolutions
        sizes = [int(rng.integers(*limits)) for limits in low[: epoch + 1]]
        return (self._recipe.input_size, *sizes)

    def _crop(self, row: int) -> np.ndarray:
        """The crop (S, S, 3), perhaps from the cache: it must not be written to."""
        crop = self._cache.get(row)
        if crop is None:
            number = int(np.searchsorted(self._firsts, row, side="right")) - 1
            crop = self._pictures[number].crop(row - int(self._firsts[number]))
            if len(self._cache) < self._cached:
                self._cache[row] = crop
        return crop

    def _targets(self, rows: np.ndarray, flips: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """2D keypoints in the crop, 3D keypoints and pose, mirrored where ``flips`` says."""
        joints_2d, joints_3d, pose = self._joints_2d[rows], self._joints_3d[rows], self._pose[rows].reshape(-1, 24, 3)
        size = self._recipe.input_size
        matrices = crop_matrices(self._centres[rows], 200 * self._scales[rows], size=(size, size), flips=flips)
        joints_2d[..., :2] = apply_affine(matrices, joints_2d[..., :2]) * (2 / size) - 1
        joints_2d[flips] = joints_2d[flips][:, MIRRORED_TRAINING_JOINTS]
        joints_3d[flips] = joints_3d[flips][:, MIRRORED_TRAINING_JOINTS] * [-1, 1, 1, 1]
        pose[flips] = pose[flips][:, MIRRORED_JOINTS] * [1, -1, -1]  # a rotation's mirror image about x = 0
        return joints_2d, joints_3d, pose.reshape(-1, 72)


def region(samples: ShapeSamples) -> People:
    """The square of each sample that becomes the network's input."""
    return People(samples.folder, samples.names, None, samples.centres, 200 * samples.scales)


def _floats(values: np.ndarray) -> Tensor:
    return torch.from_numpy(values.astype(np.float32))
