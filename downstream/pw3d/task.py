"""Fine-tuning for human shape, tested on 3DPW: RSC-Net on the backbone under test (Xu et al. 2020; LiftedCL,
appendix D).

Departures from the published code: training starts from the backbone under test, never from a SPIN checkpoint; images
are cropped from the data sets' own files; a step's resolutions go through the network as one batch, so that they share
its batch statistics; the last epoch is reported.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from downstream.pw3d.augmentation import change_colours, lose_resolution, pyramid
from downstream.pw3d.body.body_model import read_bodies, read_mean_parameters
from downstream.pw3d.body.posed_people import lsp_joints
from downstream.pw3d.body.regressors import read_regressors
from downstream.pw3d.body.smpl_layer import TrainingJoints
from downstream.pw3d.data import ShapeBatch, ShapeBatches, region
from downstream.pw3d.predictions import FULL_SIZE, LOW_SIZE, Predictions, write_predictions
from downstream.pw3d.reader import REMEDY, TEST, read_mix, read_shape_split
from downstream.pw3d.recipe import PW3D
from downstream.pw3d.shape_losses import agreement_terms, ramp_up, supervised_terms, targets_of
from downstream.pw3d.shape_network import ShapeNetwork, ShapeRegressor, Shapes, project
from downstream.samples.network_input import to_network
from downstream.samples.plain_crops import PlainCrops
from downstream.training.epoch_batches import load
from liftedcl.engine.loop import Player
from liftedcl.engine.schedule import constant
from liftedcl.identity.errors import InputError


class PW3DShape:
    """The `downstream.benchmark.Benchmark` of human shape; the backbone has to be a ResNet."""

    def __init__(self, recipe: PW3D, backbone: nn.Module, *, data: Path, seed: int, workers: int) -> None:
        self._recipe, self._workers = recipe, workers
        self._test = read_shape_split(data, TEST)
        self._body = read_bodies(data)[0]  # the neutral body is predicted
        self._regressors = read_regressors(data, self._body)
        mean = read_mean_parameters(data)
        mix = read_mix(data)
        longest = max((samples for samples, _ in mix), key=len)
        if len(longest) < recipe.batch_size:
            raise InputError(
                f"{longest.folder}: {len(longest)} samples, the most of any training set, are less than a batch of "
                f"{recipe.batch_size}; {REMEDY}"
            )
        self._batches = ShapeBatches(mix, recipe, seed=seed, cached=workers == 0)
        regressor = ShapeRegressor(
            backbone.out_channels,
            width=recipe.width,
            dropout=recipe.dropout,
            iterations=recipe.iterations,
            mean=(mean.pose, mean.shape, mean.camera),
        )
        self.module = ShapeNetwork(
            backbone,
            regressor,
            TrainingJoints(self._body, self._regressors),
            levels=1 + len(recipe.low_resolutions),
            embedding_width=recipe.embedding_width,
            embedding=recipe.embedding,
            queue=recipe.loss.queue,
        ).to(memory_format=torch.channels_last)
        self.epochs, self.steps_per_epoch = recipe.epochs, len(self._batches)
        self.images_per_step = recipe.batch_size
        parameters = [parameter for parameter in self.module.parameters() if parameter.requires_grad]
        optimiser = torch.optim.Adam(parameters, lr=recipe.learning_rate, fused=True)
        rate = constant(recipe.learning_rate)
        self.players = {"shape": Player(parameters, optimiser, rate, recipe.gradient_clip)}

    def batches(self, epoch: int, first_step: int) -> Iterator[ShapeBatch]:
        self._batches.start(epoch)
        yield from load(self._batches, first_step, self._workers)

    def losses(self, batch: ShapeBatch) -> Iterator[tuple[str, dict[str, Tensor]]]:
        recipe, levels, device = self._recipe, len(batch.sizes), self._device()
        images = change_colours(batch.images.to(device).float() / 255, batch.colours.to(device))
        rows = torch.arange(levels, device=device).repeat_interleave(len(images))
        flat = self.module(to_network(pyramid(images, batch.sizes)), rows)
        joints = self.module.joints(flat.rotations, flat.betas)
        projected = project(joints, flat.cameras, focal_length=recipe.focal_length, size=recipe.input_size)
        shapes = flat.by_level(levels)
        joints, projected = joints.unflatten(0, (levels, -1)), projected.unflatten(0, (levels, -1))
        targets = targets_of(batch, self.module.joints, recipe, device)
        terms = supervised_terms(shapes, projected, joints, targets, recipe.loss)
        if levels > 1:
            ramp = ramp_up(batch.epochs, recipe.loss.ramp_epochs)
            terms |= agreement_terms(shapes, self.module.queue.keys, recipe.loss, ramp)
        yield "shape", terms
        self.module.queue.push(shapes.embeddings[0].detach())

    def write_predictions(self, out: Path) -> None:
        """Write the bodies of the test set, as it is and shrunk to ``low_test_size`` px."""
        for name, size in ((FULL_SIZE, self._recipe.input_size), (LOW_SIZE, self._recipe.low_test_size)):
            shapes = self.predict(size)
            rotations, betas, cameras = (part.numpy() for part in (shapes.rotations, shapes.betas, shapes.cameras))
            wide = rotations.astype(np.float64), betas.astype(np.float64)  # as `read_predictions` returns them
            joints = lsp_joints(*wide, self._body, self._regressors)
            write_predictions(out / name, Predictions(rotations, betas, cameras, joints), self._test.names)

    @torch.no_grad()
    def predict(self, size: int) -> Shapes:
        """The network's output for the N people of the test set, seen at ``size`` px, on the CPU."""
        self.module.eval()
        recipe, device = self._recipe, self._device()
        lower = (level for level, (low, high) in enumerate(recipe.low_resolutions, 1) if low <= size < high)
        level, parts = next(lower, 0), []
        crops = PlainCrops(region(self._test), (recipe.input_size, recipe.input_size), recipe.batch_size)
        for batch in load(crops, 0, self._workers):
            images = batch.to(device).float() / 255
            images = images if size == recipe.input_size else lose_resolution(images, size)
            parts.append(self.module(to_network(images), torch.full((len(images),), level, device=device)))
        fields = ("rotations", "betas", "cameras", "embeddings")
        return Shapes(*(torch.cat([getattr(part, name) for part in parts]).cpu() for name in fields))

    def _device(self) -> torch.device:
        return next(self.module.parameters()).device
