"""Batches of the Human3.6M 3D pose benchmark: crops and targets of RLE's recipe (Li et al. 2021).

A training sample is a function of (seed, epoch, index) and the order of an epoch one of (seed, epoch), so neither
workers nor a resumed run change a bit.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from downstream.crop import crop_matrices, square_boxes
from downstream.frames import CACHE_BYTES, Frames
from downstream.h36m_3d import H36MPoses
from downstream.pose_augmentation import amplify, augmented_matrix, cover, draw, reach, warp
from downstream.pose_coding import encode, mirrored_order
from downstream.recipes import H36M3D
from liftedcl.errors import InputError


@dataclass(frozen=True)
class PoseBatch:
    """``images`` (B, 3, S, S) uint8 RGB, ``targets`` (B, 18, 3) and ``weights`` (B, 18, 1) float32."""

    images: Tensor
    targets: Tensor
    weights: Tensor


class TrainingBatches(Dataset):
    """Item ``step`` of an epoch is a whole batch. `start` chooses the epoch; the remainder of an epoch is left out.

    Args:
        poses: the training split.
        recipe: sizes and augmentation.
        seed: decides order and augmentation.
        cached: keep decoded frames in this process.
    """

    def __init__(self, poses: H36MPoses, recipe: H36M3D, *, seed: int, cached: bool) -> None:
        self._poses, self._recipe, self._seed = poses, recipe, seed
        self._centres, self._sides = square_boxes(poses.boxes, recipe.box_scale)
        self._mirrored = mirrored_order(poses.joints.shape[1])
        margin = reach(self._sides, recipe.augmentation)[:, None] + 2
        # The noise rectangle needs the whole box, also where no crop sees all of it.
        regions = np.concatenate(
            [
                np.minimum(self._centres - margin, poses.boxes[:, :2]),
                np.maximum(self._centres + margin, poses.boxes[:, 2:]),
            ],
            axis=1,
        )
        self._frames = _frames(poses, regions, CACHE_BYTES if cached else 0)
        self.start(0)

    def start(self, epoch: int) -> None:
        """Items are those of ``epoch`` from now on."""
        self._epoch = epoch
        self._permutation = np.random.default_rng([self._seed, epoch]).permutation(len(self._poses))

    def __len__(self) -> int:
        return len(self._poses) // self._recipe.batch_size

    def __getitem__(self, step: int) -> PoseBatch | InputError:
        indices = self._permutation[step * self._recipe.batch_size : (step + 1) * self._recipe.batch_size]
        try:
            crops, matrices, flips = zip(*(self._sample(int(index)) for index in indices), strict=True)
        except InputError as error:
            return error  # raised in the main process; a worker's exception would bring its stack trace along
        poses, flipped = self._poses, np.array(flips)
        targets, weights = encode(
            poses.joints[indices],
            f=poses.f[indices],
            c=poses.c[indices],
            matrices=np.stack(matrices),
            size=self._recipe.input_size,
            depth_range=self._recipe.depth_range_mm,
        )
        targets[flipped] = targets[flipped][:, self._mirrored]
        weights[flipped] = weights[flipped][:, self._mirrored]
        return PoseBatch(
            images=_to_images(crops),
            targets=torch.from_numpy(targets.astype(np.float32)),
            weights=torch.from_numpy(weights.astype(np.float32)),
        )

    def _sample(self, index: int) -> tuple[np.ndarray, np.ndarray, bool]:
        """Crop, its matrix (picture to crop) and whether it is mirrored."""
        recipe, rng = self._recipe, np.random.default_rng([self._seed, self._epoch, index])
        drawn = draw(recipe.augmentation, rng)
        matrix = augmented_matrix(self._centres[index], self._sides[index], drawn, recipe.input_size)
        region, corner = self._frames.region(index)
        box = self._poses.boxes[index] - np.tile(corner, 2)
        covered = cover(region, box, recipe.augmentation.occlusion, rng)
        return amplify(warp(covered, _moved(matrix, corner), recipe.input_size), drawn.gain), matrix, drawn.flip


class TestImages(Dataset):
    """Item ``i`` is the i-th batch of plain crops (B, 3, S, S) uint8 RGB, in the order of the samples; the last is
    smaller. ``matrices`` (N, 2, 3) are the maps from picture to crop.
    """

    __test__ = False  # not a pytest class

    def __init__(self, poses: H36MPoses, recipe: H36M3D) -> None:
        self._size, self._batch_size = recipe.input_size, recipe.batch_size
        centres, sides = square_boxes(poses.boxes, recipe.box_scale)
        self.matrices = crop_matrices(centres, sides, size=recipe.input_size)
        half = sides[:, None] / 2 + 2
        self._frames = _frames(poses, np.concatenate([centres - half, centres + half], axis=1), 0)
        self._count = len(poses)

    def __len__(self) -> int:
        return -(-self._count // self._batch_size)

    def __getitem__(self, i: int) -> Tensor | InputError:
        try:
            return _to_images([self._crop(n) for n in range(self._count)[i * self._batch_size :][: self._batch_size]])
        except InputError as error:
            return error

    def _crop(self, n: int) -> np.ndarray:
        region, corner = self._frames.region(n)
        return warp(region, _moved(self.matrices[n], corner), self._size)


def loader(batches: Dataset, first: int, workers: int) -> DataLoader:
    """The items of ``batches`` from ``first`` on, in order; made by ``workers`` processes, or here when 0."""
    return DataLoader(
        batches,
        batch_size=None,
        sampler=range(first, len(batches)),
        num_workers=workers,
        generator=torch.Generator(),  # its own: the engine's stream stays untouched
    )


def raised(item: PoseBatch | Tensor | InputError) -> PoseBatch | Tensor:
    """An item of a `loader`, or the error it stands for, raised."""
    if isinstance(item, InputError):
        raise item
    return item


def _frames(poses: H36MPoses, regions: np.ndarray, cache_bytes: int) -> Frames:
    return Frames(poses.root / "images", poses.names, poses.sizes, regions, cache_bytes=cache_bytes)


def _moved(matrix: np.ndarray, corner: np.ndarray) -> np.ndarray:
    """The same map (2, 3), from the pixels of a region that begins at ``corner``."""
    return np.concatenate([matrix[:, :2], matrix[:, 2:] + matrix[:, :2] @ corner[:, None]], axis=1)


def _to_images(crops: list[np.ndarray] | tuple[np.ndarray, ...]) -> Tensor:
    """RGB crops (S, S, 3) to (B, 3, S, S)."""
    return torch.from_numpy(np.ascontiguousarray(np.stack(crops).transpose(0, 3, 1, 2)))
