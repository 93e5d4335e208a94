"""Fine-tuning for 2D pose from heatmaps, SimplePose: what COCO, MPII and Human3.6M 2D share.

Departures from the published code: images and statistics are both RGB, as in pre-training; the last epoch is
reported, never the best on the test set; the learning rate drops at the epochs the recipe names.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from downstream.heatmap_pose.heatmap_recipe import HeatmapPose
from downstream.heatmap_pose.heatmaps import decode, gaussian_targets, heatmap_loss, to_heatmaps, unmirror_heatmaps
from downstream.heatmap_pose.keypoint_data import KeypointBatch, KeypointBatches
from downstream.heatmap_pose.simple_pose import SimplePose
from downstream.samples.crop import apply_affine, invert_affine
from downstream.samples.network_input import mirrored_too, pixels_to_network
from downstream.samples.people import LabelledPeople, People
from downstream.samples.plain_crops import PlainCrops
from downstream.training.adam_player import adam_player
from downstream.training.epoch_batches import Epochs, load
from liftedcl.engine.device import full_precision
from liftedcl.identity.errors import InputError
from liftedcl.networks.encoder import Backbone


class KeypointTask:
    """A task of liftedcl/engine/loop.py that finds the joints of people.

    Args besides those of `downstream.benchmark.Benchmark`:
        train: the training split.
        mirrored: joint order after a mirror image, (J,) int.
        packed: folder of the packed regions of ``train``; None decodes its images.
        beside: a module that `extra_losses` needs; trained, and kept in checkpoints, as ``module.beside``.
    """

    def __init__(
        self,
        recipe: HeatmapPose,
        backbone: Backbone,
        *,
        train: LabelledPeople,
        mirrored: np.ndarray,
        seed: int,
        workers: int,
        packed: Path | None = None,
        beside: nn.Module | None = None,
    ) -> None:
        if len(train) < recipe.batch_size:
            raise InputError(
                f"{train.people.folder}: {len(train)} people to train on are less than a batch of {recipe.batch_size}; "
                "add data (docs/data.md) or lower batch_size"
            )
        self._recipe, self._workers, self._size = recipe, workers, (recipe.input_width, recipe.input_height)
        self._batches = KeypointBatches(train, recipe, mirrored, seed=seed, cached=workers == 0, packed=packed)
        self._batches.on_device = packed is not None and torch.cuda.is_available()
        self._mirrored = torch.from_numpy(mirrored.astype(np.int64))
        self.module = SimplePose(
            backbone, joints=len(mirrored), size=self._size, stride=recipe.heatmap_stride, width=recipe.deconv_width
        )
        if beside is not None:
            self.module.beside = beside
        self.module.to(memory_format=torch.channels_last)  # a sixth faster on a CPU
        self._epochs = Epochs(self._batches, workers)
        self.epochs, self.steps_per_epoch = recipe.epochs, len(self._batches)
        self.images_per_step = recipe.batch_size
        self.players = {"pose": adam_player(self.module, recipe, self.steps_per_epoch)}

    def batches(self, epoch: int, first_step: int) -> Iterator[KeypointBatch]:
        yield from self._epochs.epoch(epoch, first_step)

    def losses(self, batch: KeypointBatch) -> Iterator[tuple[str, dict[str, Tensor]]]:
        features = self.module.backbone(pixels_to_network(batch.images, self._device))
        outputs = self.module.head(features).float()
        targets, weights = gaussian_targets(
            batch.joints.to(outputs.device, non_blocking=True),
            self.counted(batch).to(outputs.device, non_blocking=True),
            size=self.module.size,
            stride=self.module.stride,
            sigma=self._recipe.sigma,
        )
        with full_precision(outputs):
            loss = heatmap_loss(outputs, targets, weights, self._recipe.loss)
            extra = self.extra_losses(features.float(), batch)
        yield "pose", {"heatmaps": loss, **extra}

    def counted(self, batch: KeypointBatch) -> Tensor:
        """Which joints are trained on: (B, J), 0 or 1."""
        return batch.visible

    def extra_losses(self, features: Tensor, batch: KeypointBatch) -> dict[str, Tensor]:
        """Weighted loss terms that a subclass adds, from the backbone's map (B, C, h, w)."""
        return {}

    def predict(self, people: People, *, offset: bool) -> tuple[np.ndarray, np.ndarray]:
        """Joints of ``people``, (N, J, 2) float64 px of their images, and the heights of their heatmaps, (N, J).

        Args:
            offset: refine the highest cell by a quarter, see `heatmaps.decode`.
        """
        crops = PlainCrops(people, self._size, self._recipe.batch_size)
        found = [self._detect(images, offset) for images in load(crops, 0, self._workers)]
        joints, heights = (torch.cat(parts).cpu().double().numpy() for parts in zip(*found, strict=True))
        return apply_affine(invert_affine(crops.matrices), joints), heights

    @torch.inference_mode()
    def _detect(self, images: Tensor, offset: bool) -> tuple[Tensor, Tensor]:
        """Joints (B, J, 2) in px of the crops (B, 3, H, W), and their heights (B, J)."""
        self.module.eval()
        views = pixels_to_network(images, self._device)
        if self._recipe.flip_test:
            plain, mirrored = self._heatmaps(mirrored_too(views)).chunk(2)
            heatmaps = (plain + unmirror_heatmaps(mirrored, self._mirrored.to(views.device))) / 2
        else:
            heatmaps = self._heatmaps(views)
        return decode(heatmaps, stride=self.module.stride, offset=offset)

    def _heatmaps(self, images: Tensor) -> Tensor:
        return to_heatmaps(self.module(images), loss=self._recipe.loss, sigma=self._recipe.sigma)

    @property
    def _device(self) -> torch.device:
        return next(self.module.parameters()).device
