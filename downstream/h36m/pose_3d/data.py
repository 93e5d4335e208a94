"""Batches of the Human3.6M 3D pose benchmark: crops and targets of RLE's recipe (Li et al. 2021).

A training sample is a function of (seed, epoch, draw) and the order of an epoch one of (seed, epoch), so neither
workers nor a resumed run change a bit.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from downstream.h36m.pose_3d.pose_augmentation import amplify, draw_noise, draw_rectangle
from downstream.h36m.pose_3d.reader import H36MPoses, read_h36m_3d
from downstream.h36m.pose_3d.regions import seen_in_training
from downstream.h36m.shared.mpii_mix import person_boxes, read_mix
from downstream.h36m.shared.pose_coding import encode, encode_flat, mirrored_order, root_relative, turn_with_crop
from downstream.h36m.shared.recipe import H36M3D
from downstream.reading.frames import CACHE_BYTES
from downstream.samples.affine_augmentation import augmented_matrices, draw_affine
from downstream.samples.canvas import Canvas
from downstream.samples.crop import from_region
from downstream.samples.device_crops import UncutCrops, uncut
from downstream.samples.people import LabelledPeople
from downstream.samples.person_regions import regions_of
from downstream.training.epoch_batches import EpochBatches, Pinnable, to_images
from downstream.training.region_cut import cut_of
from liftedcl.skeletons.skeleton import NUM_JOINTS


@dataclass(frozen=True)
class PoseBatch(Pinnable):
    """``images`` (B, 3, S, S) uint8 RGB, or uncut; ``targets`` (B, 18, 3) and each coordinate's ``weights``, float32.

    For a 3D prior, ``posed`` (P,) int64 are the samples with depth, and ``poses`` (P, 17, 3) float32 their poses:
    root-relative, in mm, turned and mirrored as the crop is. Without one, both are None.
    """

    images: Tensor | UncutCrops
    targets: Tensor
    weights: Tensor
    posed: Tensor | None = None
    poses: Tensor | None = None


class PoseBatches(EpochBatches):
    """Augmented samples. With ``others``, every second one on average is a person without depth.

    Args:
        recipe: sizes, augmentation and the fraction of ``poses`` and of ``others`` that is trained on.
        seed: decides that fraction, order and augmentation.
        cached: keep decoded frames in this process.
        packed: the folder of the packed regions of ``poses`` and ``others``, which are read in place of the images.
        others: people of another data set, their joints in this benchmark's order. An epoch draws as many of them as
            of ``poses``, and starts again with the first when it has drawn them all. Departure: the published code
            draws each at random, so that some come more often than others.
    """

    def __init__(
        self,
        poses: H36MPoses,
        recipe: H36M3D,
        *,
        seed: int,
        cached: bool,
        packed: Path | None = None,
        others: LabelledPeople | None = None,
    ) -> None:
        counts = (len(poses),) if others is None else (len(poses), len(others))
        super().__init__(counts, recipe, seed, draws=len(poses) * len(counts))
        self._poses, self._others, self._recipe = poses, others, recipe
        self._size = (recipe.input_size, recipe.input_size)
        self.canvas = Canvas(self._size)
        self._mirrored = mirrored_order(poses.joints.shape[1])
        augmentation = recipe.augmentation
        numbers = {"scale_limits": augmentation.scale_limits, "occlusion": augmentation.occlusion}
        seen = seen_in_training(poses, others, box_scale=recipe.box_scale, **numbers)
        self._regions = regions_of(seen, cut_of(recipe), packed, cache=CACHE_BYTES if cached else 0)
        self._centres = np.concatenate([part.people.centres for part in seen])
        self._widths = np.concatenate([part.people.widths for part in seen])
        self._boxes = poses.boxes if others is None else np.concatenate([poses.boxes, person_boxes(others.people)])

    def batch(self, draws: np.ndarray) -> PoseBatch:
        rows = self.rows(draws)
        images, matrices, flipped = self._images(draws, rows)
        targets, weights = self._targets(rows, matrices)
        targets[flipped] = targets[flipped][:, self._mirrored]
        weights[flipped] = weights[flipped][:, self._mirrored]
        batch = PoseBatch(
            images=images,
            targets=torch.from_numpy(targets.astype(np.float32)),
            weights=torch.from_numpy(weights.astype(np.float32)),
        )
        if self._recipe.prior is None:
            return batch
        posed = np.flatnonzero(rows < len(self._poses))
        true = root_relative(self._poses.joints[rows[posed]])[:, :NUM_JOINTS]
        turned = turn_with_crop(true, matrices[posed], flipped[posed]).astype(np.float32)
        return replace(batch, posed=torch.from_numpy(posed), poses=torch.from_numpy(turned))

    def rows(self, draws: np.ndarray) -> np.ndarray:
        """The row of ``poses`` that each draw is a sample of, or, from len(poses) on, the row of ``others``."""
        if self._others is None:
            return super().rows(draws)
        count = len(self._poses)
        own, others = np.split(self.chosen, [np.searchsorted(self.chosen, count)])
        # Each epoch goes on where the last one stopped, so that all ``others`` are drawn equally often.
        turn = draws - count + self._epoch * count
        return np.where(draws < count, own[draws % len(own)], others[turn % len(others)])

    def _targets(self, rows: np.ndarray, matrices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Targets and weights (B, 18, 3), left and right not yet swapped."""
        poses, size = self._poses, self._recipe.input_size
        deep = rows < len(poses)
        own = rows[deep]
        targets, weights = np.zeros((2, len(rows), poses.joints.shape[1], 3))
        targets[deep], weights[deep] = encode(
            poses.joints[own],
            f=poses.f[own],
            c=poses.c[own],
            matrices=matrices[deep],
            size=size,
            depth_range=self._recipe.depth_range_mm,
        )
        if self._others is not None:
            theirs = rows[~deep] - len(poses)
            joints, visible = self._others.joints[theirs], self._others.visible[theirs]
            targets[~deep], weights[~deep] = encode_flat(joints, visible, matrices=matrices[~deep], size=size)
        return targets, weights

    def _images(self, draws: np.ndarray, rows: np.ndarray) -> tuple[Tensor | UncutCrops, np.ndarray, np.ndarray]:
        """Augmented crops, their maps from image to crop (B, 2, 3), and which are mirrored (B,)."""
        augmentation, size = self._recipe.augmentation, self._size
        streams = [self.generator(draw) for draw in draws.tolist()]
        affines = [draw_affine(augmentation, rng) for rng in streams]
        gains = [rng.uniform(*augmentation.channel_gain, size=3) for rng in streams]
        matrices = augmented_matrices(self._centres[rows], self._widths[rows], affines, size)
        flipped = np.array([affine.flip for affine in affines])
        regions = map(self._regions.region, rows.tolist())
        boxes, share = self._boxes[rows], augmentation.occlusion
        if self.on_device:
            regions = list(regions)
            covered = [draw_rectangle(*about, share, rng) for *about, rng in zip(regions, boxes, streams, strict=True)]
            return uncut(regions, matrices, size, noise=np.array(covered), gains=np.stack(gains)), matrices, flipped
        crops = []
        for region, matrix, box, gain, rng in zip(regions, matrices, boxes, gains, streams, strict=True):
            noise = draw_noise(draw_rectangle(region, box, share, rng), rng)
            crops.append(amplify(self.canvas.cut(region.pixels, from_region(matrix, region), noise), gain))
        return to_images(crops), matrices, flipped


def training_batches(recipe: H36M3D, data: Path, *, seed: int, cached: bool, packed: Path | None = None) -> PoseBatches:
    """Batches of the training split and, where the recipe mixes them in, of MPII's people; see `PoseBatches`."""
    others = None if recipe.mpii is None else read_mix(recipe.mpii)
    return PoseBatches(read_h36m_3d(data, "train"), recipe, seed=seed, cached=cached, packed=packed, others=others)
