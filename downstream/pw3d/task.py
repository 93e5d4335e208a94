"""Fine-tuning for human shape, tested on 3DPW: RSC-Net on the backbone under test (Xu et al. 2020; LiftedCL,
appendix D).

Departures from the published code: training starts from the backbone under test, never from a SPIN checkpoint; images
are cropped from the data sets' own files; the last epoch is reported.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from downstream.pw3d.augmentation import lose_resolution, pyramid
from downstream.pw3d.body.body_model import read_bodies, read_mean_parameters
from downstream.pw3d.body.posed_people import lsp_joints
from downstream.pw3d.body.regressors import read_regressors
from downstream.pw3d.body.smpl_layer import TrainingJoints
from downstream.pw3d.crops import plain_crops
from downstream.pw3d.data import ShapeBatch, ShapeBatches, batch_size_in
from downstream.pw3d.network.query_decoder import QueryDecoder
from downstream.pw3d.network.shape_network import (
    OneStepRegressor,
    ShapeNetwork,
    ShapeRegressor,
    Shapes,
    project,
    translations,
)
from downstream.pw3d.predictions import FULL_SIZE, LOW_SIZE, Predictions, write_predictions
from downstream.pw3d.reader import REMEDY, TEST, read_mix, read_shape_split
from downstream.pw3d.recipe import PW3D
from downstream.pw3d.regions import plan_of
from downstream.pw3d.shape_losses import agreement_terms, ramp_up, supervised_terms, targets_of
from downstream.reading.region_shard import RegionShard
from downstream.samples.network_input import pixels_on, to_network
from downstream.training.epoch_batches import Epochs, load
from downstream.training.region_cut import cut_of
from liftedcl.engine.device import full_precision
from liftedcl.engine.loop import Player
from liftedcl.engine.schedule import constant
from liftedcl.identity.errors import InputError


class PW3DShape:
    """The `downstream.benchmark.Benchmark` of human shape."""

    def __init__(
        self, recipe: PW3D, backbone: nn.Module, *, data: Path, seed: int, workers: int, packed: Path | None = None
    ) -> None:
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
        regions = None
        if packed is not None and (cut := cut_of(recipe)):
            regions = RegionShard(packed, plan_of([samples for samples, _ in mix], cut).digest)
        self._batches = ShapeBatches(mix, recipe, seed=seed, cached=workers == 0, regions=regions)
        start, decoder = (mean.pose, mean.shape, mean.camera), None
        if recipe.decoder:
            decoder = QueryDecoder(backbone.out_channels, recipe.decoder)
            regressor = OneStepRegressor(decoder.out_channels, mean=start)
        else:
            sizes = {"width": recipe.width, "dropout": recipe.dropout, "iterations": recipe.iterations}
            regressor = ShapeRegressor(backbone.out_channels, mean=start, **sizes)
        self.module = ShapeNetwork(
            backbone,
            regressor,
            TrainingJoints(self._body, self._regressors),
            decoder=decoder,
            levels=1 + len(recipe.low_resolutions),
            embedding_width=recipe.embedding_width,
            embedding=recipe.embedding,
            queue=recipe.loss.queue,
        ).to(memory_format=torch.channels_last)
        self._batches.on_device = regions is not None and torch.cuda.is_available()
        self._epochs = Epochs(self._batches, workers)
        self.epochs, self.steps_per_epoch = recipe.epochs, self._batches.lengths
        self._ramp = max(1, round(recipe.loss.ramp_epochs * (len(longest) // recipe.batch_size)))
        self.images_per_step = [batch_size_in(recipe, epoch) for epoch in range(recipe.epochs)]
        parameters = [parameter for parameter in self.module.parameters() if parameter.requires_grad]
        optimiser = torch.optim.Adam(parameters, lr=recipe.learning_rate, fused=True)
        rate = constant(recipe.learning_rate)
        self.players = {"shape": Player(parameters, optimiser, rate, recipe.gradient_clip)}

    def batches(self, epoch: int, first_step: int) -> Iterator[ShapeBatch]:
        if first_step == 0 and epoch < len(self._recipe.low_resolutions):
            self.module.encoder.enter(epoch + 1)
        yield from self._epochs.epoch(epoch, first_step)

    def losses(self, batch: ShapeBatch) -> Iterator[tuple[str, dict[str, Tensor]]]:
        recipe, levels, device = self._recipe, len(batch.sizes), self._device()
        colours = batch.colours.to(device, non_blocking=True)
        images = pyramid(pixels_on(batch.images, device) / 255, colours, batch.sizes)
        flat = self.module(to_network(images), range(levels))
        with full_precision(images):
            shapes, lens = flat.by_level(levels), {"focal_length": recipe.focal_length, "size": recipe.input_size}
            places = translations(shapes.cameras, **lens)
            joints = self.module.joints(flat.rotations, flat.betas).unflatten(0, (levels, -1))
            targets = targets_of(batch, self.module.joints, recipe, device)
            terms = supervised_terms(shapes, places, project(joints, places, **lens), joints, targets, recipe.loss)
            if levels > 1:
                negatives, people = self.module.negatives, batch.people.to(device, non_blocking=True)
                negatives.push(shapes.embeddings.detach(), people)
                drawn = torch.stack([negatives.draw(people, recipe.loss.negatives) for _ in range(levels - 1)])
                ramp = ramp_up(batch.step, self._ramp)
                terms |= agreement_terms(shapes, places, negatives.keys, drawn, recipe.loss, ramp)
        yield "shape", terms

    def write_predictions(self, out: Path) -> None:
        """Write the bodies of the test set, as it is and shrunk to ``low_test_size`` px."""
        for name, size in ((FULL_SIZE, self._recipe.input_size), (LOW_SIZE, self._recipe.low_test_size)):
            shapes = self.predict(size)
            rotations, betas, cameras = (part.numpy() for part in (shapes.rotations, shapes.betas, shapes.cameras))
            wide = rotations.astype(np.float64), betas.astype(np.float64)  # as `read_predictions` returns them
            joints = lsp_joints(*wide, self._body, self._regressors)
            write_predictions(
                out / name,
                Predictions(rotations, betas, cameras, joints),
                self._test.names,
                resolution_scalars=self.module.encoder.branches,
            )

    @torch.no_grad()
    def predict(self, size: int) -> Shapes:
        """The network's output for the N people of the test set, seen at ``size`` px, on the CPU."""
        self.module.eval()
        recipe, device = self._recipe, self._device()
        lower = (level for level, (low, high) in enumerate(recipe.low_resolutions, 1) if low <= size < high)
        level, parts = next(lower, 0), []
        crops = plain_crops(self._test, recipe.input_size, recipe.batch_size)
        for batch in load(crops, 0, self._workers):
            images = batch.to(device).float() / 255
            images = images if size == recipe.input_size else lose_resolution(images, size)
            parts.append(self.module(to_network(images), [level]))
        fields = ("rotations", "betas", "cameras", "embeddings")
        return Shapes(*(torch.cat([getattr(part, name) for part in parts]).cpu() for name in fields))

    def _device(self) -> torch.device:
        return next(self.module.parameters()).device
