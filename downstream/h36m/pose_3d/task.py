"""Fine-tuning on Human3.6M for 3D pose: RLE on the backbone under test (Li et al. 2021; LiftedCL, appendix D, table 4).

Departures from the published code: images and statistics are both RGB, as in pre-training; the last epoch is
reported, never the best on the test set; the learning rate drops at the epochs the recipe names; where MPII's people
are mixed in, only the joints that are annotated count.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from downstream.h36m.pose_3d.data import PoseBatch, training_batches
from downstream.h36m.pose_3d.reader import annotation_path, read_h36m_3d
from downstream.h36m.pose_3d.regions import people_of
from downstream.h36m.pose_3d.rle import RLERegressor, rle_loss
from downstream.h36m.shared.pose_coding import NUM_REGRESSED, ROOT, decode, root_relative, unmirror
from downstream.h36m.shared.prediction_file import PREDICTIONS, write_predictions
from downstream.h36m.shared.recipe import H36M3D
from downstream.h36m.shared.skeleton_prior import SkeletonPrior
from downstream.samples.network_input import mirrored_too, pixels_to_network
from downstream.samples.plain_crops import PlainCrops
from downstream.training.adam_player import adam_player
from downstream.training.epoch_batches import Epochs, load
from liftedcl.data_sets.h36m.files import REMEDY
from liftedcl.engine.device import full_precision
from liftedcl.identity.errors import InputError
from liftedcl.skeletons.skeleton import NUM_JOINTS


class H36MPose3D:
    """The `downstream.benchmark.Benchmark` of Human3.6M 3D pose."""

    def __init__(
        self, recipe: H36M3D, backbone: nn.Module, *, data: Path, seed: int, workers: int, packed: Path | None = None
    ) -> None:
        self._recipe, self._workers = recipe, workers
        self._test = read_h36m_3d(data, "test")
        self._batches = training_batches(recipe, data, seed=seed, cached=workers == 0, packed=packed)
        self._batches.on_device = packed is not None and torch.cuda.is_available()
        if len(self._batches) == 0:
            raise InputError(
                f"{annotation_path(data, 'train')}: its samples are less than a batch of {recipe.batch_size}; {REMEDY}"
            )
        self.module = RLERegressor(
            backbone,
            joints=NUM_REGRESSED,
            dimension=3,
            flow_layers=recipe.flow_layers,
            flow_hidden=recipe.flow_hidden,
            depthless=recipe.mpii is not None,
        )
        if recipe.prior is not None:
            self.module.prior = SkeletonPrior(backbone.out_channels, recipe.prior)
        self.module.to(memory_format=torch.channels_last)  # a sixth faster on a CPU
        self._epochs = Epochs(self._batches, workers)
        self.epochs, self.steps_per_epoch = recipe.epochs, len(self._batches)
        self.images_per_step = recipe.batch_size
        player = adam_player(self.module, recipe, self.steps_per_epoch)
        # Each tensor by itself, as published: a norm of all together is above the limit in most steps.
        self.players = {"rle": replace(player, gradient_clip=recipe.gradient_clip, clip_apart=True)}

    def batches(self, epoch: int, first_step: int) -> Iterator[PoseBatch]:
        yield from self._epochs.epoch(epoch, first_step)

    def losses(self, batch: PoseBatch) -> Iterator[tuple[str, dict[str, Tensor]]]:
        device = next(self.module.parameters()).device
        maps = self.module.backbone(pixels_to_network(batch.images, device))
        targets, weights = (part.to(device, non_blocking=True) for part in (batch.targets, batch.weights))
        terms = {}
        with full_precision(maps):
            maps = maps.float()
            mu, sigma = self.module.regress(maps)
            flows = self.module.flow, self.module.flat_flow
            terms["residual_likelihood"] = rle_loss(mu, sigma, targets, weights, *flows)
            if batch.poses is not None:
                known = (part.to(device, non_blocking=True) for part in (batch.posed, batch.poses))
                terms |= self.module.prior(maps, *known)
        yield "rle", terms

    def write_predictions(self, out: Path) -> None:
        """Write the poses of the test split."""
        write_predictions(out / PREDICTIONS, "poses", self.predict(), self._test.names)

    def predict(self) -> np.ndarray:
        """Root-relative camera-frame poses (N, 17, 3) of the test split, in mm, with the flip test."""
        size = self._recipe.input_size
        crops = PlainCrops(people_of(self._test, self._recipe.box_scale), (size, size), self._recipe.batch_size)
        outputs = np.concatenate([self._regress(images) for images in load(crops, 0, self._workers)])
        # Depths are relative to the root's, which the network predicts as well, and not quite as 0.
        outputs[..., 2] -= outputs[:, ROOT : ROOT + 1, 2]
        depth, coding = self._test.joints[:, ROOT, 2], self._test.coding(self._recipe)
        joints = decode(outputs, root_depth=depth, **coding)
        return root_relative(joints)[:, :NUM_JOINTS]

    @torch.inference_mode()
    def _regress(self, images: Tensor) -> np.ndarray:
        """Mean of the outputs for the crops (B, 3, S, S) and for their mirror images: (B, 18, 3) float64."""
        self.module.eval()
        images = pixels_to_network(images, next(self.module.parameters()).device)
        plain, mirrored = self.module(mirrored_too(images))[0].cpu().double().chunk(2)
        return (plain.numpy() + unmirror(mirrored.numpy(), self._recipe.input_size)) / 2
