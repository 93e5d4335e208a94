"""Training batches of the heatmap benchmarks: augmented crops, and joints with sides swapped where mirrored."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from downstream.heatmap_pose.heatmap_recipe import HeatmapPose
from downstream.reading.frames import CACHE_BYTES
from downstream.samples.affine_augmentation import augmented_matrices, draw_affine
from downstream.samples.canvas import Canvas
from downstream.samples.crop import apply_affine, from_region
from downstream.samples.device_crops import UncutCrops, uncut
from downstream.samples.people import LabelledPeople
from downstream.samples.person_regions import regions_of, seen_of
from downstream.training.epoch_batches import EpochBatches, Pinnable, to_images
from downstream.training.region_cut import cut_of


@dataclass(frozen=True)
class KeypointBatch(Pinnable):
    """B training samples.

    Attributes:
        images: (B, 3, H, W) uint8 RGB, or uncut.
        joints: (B, J, 2) float32 px of the crop.
        visible: (B, J) float32, 0 or 1.
        rows: (B,) int64, their places in the training split.
        flipped: (B,) bool: mirrored.
        matrices: (B, 2, 3) float32, from px of the image to px of the crop.
    """

    images: Tensor | UncutCrops
    joints: Tensor
    visible: Tensor
    rows: Tensor
    flipped: Tensor
    matrices: Tensor


class KeypointBatches(EpochBatches):
    """Augmented crops of a training split.

    Args:
        mirrored: joint order after a mirror image, (J,) int.
        cached: keep decoded regions in this process.
        packed: the folder of their packed regions, which are read in place of the images.
    """

    def __init__(
        self,
        train: LabelledPeople,
        recipe: HeatmapPose,
        mirrored: np.ndarray,
        *,
        seed: int,
        cached: bool,
        packed: Path | None = None,
    ) -> None:
        super().__init__(train.counts, recipe, seed)
        self._train, self._recipe, self._mirrored = train, recipe, mirrored
        self._size = recipe.input_width, recipe.input_height
        self.canvas = Canvas(self._size)
        seen = seen_of(train.people, recipe.augmentation.scale_limits, self._size)
        self._regions = regions_of([seen], cut_of(recipe), packed, cache=CACHE_BYTES if cached else 0)

    def batch(self, draws: np.ndarray) -> KeypointBatch:
        rows = self.rows(draws)
        images, matrices, flipped = self._images(draws, rows)
        joints = apply_affine(matrices, self._train.joints[rows])
        visible = self._train.visible[rows]
        joints[flipped] = joints[flipped][:, self._mirrored]
        visible[flipped] = visible[flipped][:, self._mirrored]
        return KeypointBatch(
            images=images,
            joints=torch.from_numpy(joints.astype(np.float32)),
            visible=torch.from_numpy(visible.astype(np.float32)),
            rows=torch.from_numpy(rows.astype(np.int64)),
            flipped=torch.from_numpy(flipped),
            matrices=torch.from_numpy(matrices.astype(np.float32)),
        )

    def _images(self, draws: np.ndarray, rows: np.ndarray) -> tuple[Tensor | UncutCrops, np.ndarray, np.ndarray]:
        """Augmented crops, their maps from image to crop (B, 2, 3), and which are mirrored (B,)."""
        people, size = self._train.people, self._size
        affines = [draw_affine(self._recipe.augmentation, self.generator(draw)) for draw in draws.tolist()]
        matrices = augmented_matrices(people.centres[rows], people.widths[rows], affines, size)
        flipped = np.array([affine.flip for affine in affines])
        regions = map(self._regions.region, rows.tolist())
        if self.on_device:
            return uncut([*regions], matrices, size), matrices, flipped
        pairs = zip(regions, matrices, strict=True)
        crops = [self.canvas.cut(region.pixels, from_region(matrix, region)) for region, matrix in pairs]
        return to_images(crops), matrices, flipped
