"""Batches of the 3DPW benchmark: crops and targets, drawn from the training sets by their shares.

A batch is a function of the seed and its step, so neither workers nor a resumed run change a bit.
"""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from downstream.pw3d.augmentation import draw_colours
from downstream.pw3d.body.body_model import MIRRORED_JOINTS, MIRRORED_TRAINING_JOINTS
from downstream.pw3d.crops import plain_crops
from downstream.pw3d.reader import ShapeSamples
from downstream.pw3d.recipe import PW3D
from downstream.reading.frames import CACHE_BYTES, Region, Regions
from downstream.samples.crop import apply_affine, crop_matrices
from downstream.samples.device_crops import UncutCrops, uncut
from downstream.training.epoch_batches import Pinnable, subset_of, to_images
from liftedcl.identity.errors import InputError


@dataclass(frozen=True)
class ShapeBatch(Pinnable):
    """B people.

    Attributes:
        images: (B, 3, S, S) uint8 RGB, mirrored where drawn, or uncut; colours not yet changed.
        colours: (K, B, 6) factors of augmentation.py, for each level.
        keypoints_2d: (B, 24, 3): places in the crop from -1 to 1, and confidence.
        keypoints_3d: (B, 24, 4): metres and confidence.
        pose, betas: (B, 72) axis-angle, (B, 10); known where ``has_smpl`` (B,) is 1.
        people: (B,) int64 rows among the samples of all sets.
        sizes: sides in px (K,) at which the K levels of this step see the people.
        step: number of the step in the run, from 0.
    """

    images: Tensor | UncutCrops
    colours: Tensor
    keypoints_2d: Tensor
    keypoints_3d: Tensor
    pose: Tensor
    betas: Tensor
    has_smpl: Tensor
    people: Tensor
    sizes: tuple[int, ...]
    step: int


def batch_size_in(recipe: PW3D, epoch: int) -> int:
    """Images in a batch of ``epoch`` (from 0)."""
    sizes = (recipe.batch_size, *recipe.later_batch_sizes)
    return sizes[min(epoch, len(sizes) - 1)]


def steps_in(recipe: PW3D, epoch: int, samples: int) -> int:
    """Steps of ``epoch`` (from 0), which draws as many people as the largest set has ``samples``; no partial batch.

    The published code counts half an epoch in batches of the first size, one of which makes 32 // 10 = 3 small ones:
    of N people it takes N // 64 steps of 32, N // 32 steps of 16, and 3 (N // 64) steps of 10.
    """
    size = batch_size_in(recipe, epoch)
    if epoch >= recipe.half_epochs:
        return samples // size
    half = Fraction(recipe.batch_size // size, 2 * recipe.batch_size)
    return half.numerator * (samples // half.denominator)


class ShapeBatches(Dataset):
    """Item ``step`` is a batch of the epoch that `start` chose.

    An epoch is as long as the largest set. The set of each sample is drawn by the shares (Kolotouros et al. 2019), and
    each set, or the fraction of it that is trained on, is repeated in random order.

    Args:
        mix: the sets with their shares.
        recipe: sizes, augmentation and the fraction of each set that is trained on.
        seed: decides that fraction, sets, order and augmentation.
        cached: keep crops in this process.
        regions: the crops of all sets, packed; they are read in place of the images.

    Attributes:
        lengths: steps of each epoch.
        on_device: mirroring is left to the device that trains.
    """

    def __init__(
        self,
        mix: list[tuple[ShapeSamples, float]],
        recipe: PW3D,
        *,
        seed: int,
        cached: bool,
        regions: Regions | None = None,
    ) -> None:
        sets = [samples for samples, _ in mix]
        self._recipe, self._seed, self._regions, self.on_device = recipe, seed, regions, False
        self._shares = np.array([share for _, share in mix])
        self._counts = np.array([len(samples) for samples in sets])
        self._firsts = np.cumsum(self._counts) - self._counts
        chosen = subset_of(self._counts, recipe.fraction, seed)
        self._chosen = np.split(chosen, np.searchsorted(chosen, self._firsts[1:]))
        self._pictures = [plain_crops(samples, recipe.input_size, batch_size=1) for samples in sets]
        self._cache: dict[int, np.ndarray] = {}
        self._cached = min(int(self._counts.sum()), CACHE_BYTES // (3 * recipe.input_size**2)) if cached else 0
        self._centres, self._scales, self._joints_2d, self._joints_3d, self._pose, self._betas, self._has_smpl = (
            np.concatenate([getattr(samples, name) for samples in sets])
            for name in ("centres", "scales", "joints_2d", "joints_3d", "pose", "betas", "has_smpl")
        )
        longest = int(self._counts.max())
        self.lengths = [steps_in(recipe, epoch, longest) for epoch in range(recipe.epochs)]
        self.start(0)

    def start(self, epoch: int) -> None:
        """Items are those of ``epoch`` from now on."""
        self._epoch, self._rows = epoch, self._order(epoch)

    def __len__(self) -> int:
        return self.lengths[self._epoch]

    def __getitem__(self, step: int) -> ShapeBatch | InputError:
        recipe, epoch = self._recipe, self._epoch
        size = batch_size_in(recipe, epoch)
        places = slice(step * size, (step + 1) * size)
        rows, sizes = self._rows[places], self._resolutions(step)
        streams = [np.random.default_rng([self._seed, epoch, place]) for place in range(places.start, places.stop)]
        flips = np.array([rng.random() < recipe.augmentation.flip for rng in streams])
        try:
            crops = [self._crop(int(row)) for row in rows]
        except InputError as error:
            return error  # raised in the main process; a worker's exception would bring its stack trace along
        keypoints_2d, keypoints_3d, pose = self._targets(rows, flips)
        return ShapeBatch(
            images=self._mirrored(crops, flips),
            colours=_floats(np.stack([draw_colours(recipe.augmentation, rng, len(sizes)) for rng in streams], axis=1)),
            keypoints_2d=_floats(keypoints_2d),
            keypoints_3d=_floats(keypoints_3d),
            pose=_floats(pose),
            betas=_floats(self._betas[rows]),
            has_smpl=_floats(self._has_smpl[rows]),
            people=torch.from_numpy(rows),
            sizes=sizes,
            step=sum(self.lengths[:epoch]) + step,
        )

    def _mirrored(self, crops: list[np.ndarray], flips: np.ndarray) -> Tensor | UncutCrops:
        if not self.on_device:
            return to_images([crop[:, ::-1] if flip else crop for crop, flip in zip(crops, flips, strict=True)])
        side = self._recipe.input_size
        maps = np.where(flips[:, None, None], [[-1.0, 0, side - 1], [0, 1, 0]], np.eye(2, 3))
        return uncut([Region.whole(crop) for crop in crops], maps, (side, side))

    def _order(self, epoch: int) -> np.ndarray:
        """The row, among those of all sets, of each sample of ``epoch``."""
        rng, longest = np.random.default_rng([self._seed, epoch]), int(self._counts.max())
        draws = [np.resize(rng.permutation(count), longest) for count in self._counts]
        rows = np.stack([chosen[of % len(chosen)] for chosen, of in zip(self._chosen, draws, strict=True)])
        sets = rng.choice(len(self._counts), size=longest, p=self._shares / self._shares.sum())
        return rows[sets, np.arange(longest)]

    def _resolutions(self, step: int) -> tuple[int, ...]:
        """Sides in px of the levels that the epoch (from 0) trains: the full one, then its number + 1 lower ones."""
        # This key is one number longer than those of the samples' streams, so that no stream is the same.
        rng, low = np.random.default_rng([self._seed, self._epoch, step, 1]), self._recipe.low_resolutions
        sizes = [int(rng.integers(*limits)) for limits in low[: self._epoch + 1]]
        return (self._recipe.input_size, *sizes)

    def _crop(self, row: int) -> np.ndarray:
        """The crop (S, S, 3), perhaps from the cache: it must not be written to."""
        if self._regions is not None:
            return self._regions.region(row).pixels[:, :]
        crop = self._cache.get(row)
        if crop is None:
            number = int(np.searchsorted(self._firsts, row, side="right")) - 1
            crop = self._pictures[number].crop(row - int(self._firsts[number]))
            if len(self._cache) < self._cached:
                self._cache[row] = crop
        return crop

    def _targets(self, rows: np.ndarray, flips: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """2D keypoints in the crop, 3D keypoints and pose, mirrored where ``flips`` says.

        Departure: SPIN cuts a 2D keypoint's place in the crop down to whole pixels and adds one; here it is exact.
        """
        joints_2d, joints_3d, pose = self._joints_2d[rows], self._joints_3d[rows], self._pose[rows].reshape(-1, 24, 3)
        size = self._recipe.input_size
        matrices = crop_matrices(self._centres[rows], 200 * self._scales[rows], size=(size, size), flips=flips)
        joints_2d[..., :2] = apply_affine(matrices, joints_2d[..., :2]) * (2 / size) - 1
        joints_2d[flips] = joints_2d[flips][:, MIRRORED_TRAINING_JOINTS]
        joints_3d[flips] = joints_3d[flips][:, MIRRORED_TRAINING_JOINTS] * [-1, 1, 1, 1]
        pose[flips] = pose[flips][:, MIRRORED_JOINTS] * [1, -1, -1]  # a rotation's mirror image about x = 0
        return joints_2d, joints_3d, pose.reshape(-1, 72)


def _floats(values: np.ndarray) -> Tensor:
    return torch.from_numpy(values.astype(np.float32))
