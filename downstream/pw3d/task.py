"""Fine-tuning for human shape, tested on 3DPW: RSC-Net on the backbone under test (Xu et al. 2020; LiftedCL,
appendix D).

Departures from the published code: training starts from the backbone under test, never from a SPIN checkpoint; pictures
are cropped from the data sets' own files; a step's resolutions go through the network as one batch, so that they share
its batch statistics; the last epoch is reported.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from smplx.lbs import batch_rodrigues
from torch import Tensor, nn

from downstream.pw3d.augmentation import change_colours, lose_resolution, pyramid
from downstream.pw3d.body_model import FOLDER, GENDERS, read_bodies, read_mean_parameters, read_regressors
from downstream.pw3d.data import ShapeBatch, TrainingBatches, region
from downstream.pw3d.overlay import draw_joints, draw_mesh
from downstream.pw3d.reader import REMEDY, TEST, TRAIN, annotation_path, read_mix, read_shape_split
from downstream.pw3d.recipe import PW3D
from downstream.pw3d.scores import Predictions, lsp_joints, score_parameters, write_predictions
from downstream.pw3d.shape_losses import ShapeTargets, agreement_terms, fitted_cameras, ramp_up, supervised_terms
from downstream.pw3d.shape_network import ShapeNetwork, ShapeRegressor, Shapes, project, translations
from downstream.pw3d.skinning import pose_body
from downstream.pw3d.smpl_layer import TrainingJoints
from downstream.reading.fingerprint import fingerprint
from downstream.samples.network_input import to_network
from downstream.samples.overlay import EXAMPLES
from downstream.samples.plain_crops import PlainCrops
from downstream.training.epoch_batches import load
from liftedcl.engine.loop import Player
from liftedcl.engine.schedule import constant
from liftedcl.files.evenly_spread import evenly_spread
from liftedcl.identity.errors import InputError

_SHOWN_SIZE = 224
"""Smaller crops are enlarged to about this in pictures, so that drawings can be told apart."""


class Benchmark:
    """The task of liftedcl/engine/loop.py, and its evaluation.

    Args:
        recipe: schedule, sizes, losses and augmentation.
        backbone: the encoder under test, a ResNet; it is trained on.
        data: folder of the data sets and the body model.
        seed: decides order and augmentation of the samples.
        workers: processes that load data; 0 loads, and keeps crops, in this one.

    Raises:
        InputError: data that is missing or damaged, or less than one batch of it; a backbone that isn't a ResNet.
    """

    def __init__(self, recipe: PW3D, backbone: nn.Module, *, data: Path, seed: int, workers: int) -> None:
        self._recipe, self._workers = recipe, workers
        self._test = read_shape_split(data, TEST)
        self._bodies = read_bodies(data)
        self._body = self._bodies[0]  # the neutral one is what is predicted
        self._regressors = read_regressors(data, self._body)
        self._predicted: Shapes | None = None
        mean = read_mean_parameters(data)
        mix = read_mix(data)
        longest = max((samples for samples, _ in mix), key=len)
        if len(longest) < recipe.batch_size:
            raise InputError(
                f"{longest.folder}: {len(longest)} samples, the most of any training set, are less than a batch of "
                f"{recipe.batch_size}; {REMEDY}"
            )
        self._batches = TrainingBatches(mix, recipe, seed=seed, cached=workers == 0)
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
            levels=recipe.levels,
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
        terms = supervised_terms(shapes, projected, joints, self._targets(batch), recipe.loss)
        if levels > 1:
            ramp = ramp_up(batch.epochs, recipe.loss.ramp_epochs)
            terms |= agreement_terms(shapes, self.module.queue.keys, recipe.loss, ramp)
        yield "shape", terms
        self.module.queue.push(shapes.embeddings[0].detach())

    def evaluate(self, out: Path) -> dict[str, Any]:
        """Write ``out/predictions*.npz`` and return the scores that go into metrics.json.

        The headline is at the full size, ``input_size`` px; ``at_N`` holds those of the test set shrunk to N px.
        """
        full, low = self._recipe.input_size, self._recipe.low_test_size
        scores = self._evaluate(full, out / "predictions.npz")
        return scores | {"input_size": full, f"at_{low}": self._evaluate(low, out / f"predictions_at_{low}.npz")}

    def examples(self) -> np.ndarray:
        """Up to 12 test crops (n, S, S, 3) uint8, spread evenly, with the bodies predicted at full size over them."""
        recipe, scale = self._recipe, _enlargement(self._recipe.input_size)
        size = scale * recipe.input_size
        if self._predicted is None:
            self._predicted = self.predict(recipe.input_size)
        chosen = evenly_spread(len(self._test), EXAMPLES)
        shapes = self._predicted
        vertices, _ = pose_body(
            self._body, *(part[chosen].double().numpy() for part in (shapes.rotations, shapes.betas))
        )
        shifts = translations(shapes.cameras[chosen].double(), focal_length=recipe.focal_length, size=recipe.input_size)
        crops = PlainCrops(region(self._test), (size, size), batch_size=1)
        focal_length = scale * recipe.focal_length
        return np.stack(
            [
                draw_mesh(crops.crop(int(n)), placed, self._body.faces, focal_length=focal_length)
                for n, placed in zip(chosen, vertices + shifts.numpy()[:, None], strict=True)
            ]
        )

    @torch.no_grad()
    def predict(self, size: int) -> Shapes:
        """What the network says of the test set, seen at ``size`` px: N people, on the CPU."""
        self.module.eval()
        recipe, device = self._recipe, self._device()
        level, parts = recipe.level_of(size), []
        crops = PlainCrops(region(self._test), (recipe.input_size, recipe.input_size), recipe.batch_size)
        for batch in load(crops, 0, self._workers):
            images = batch.to(device).float() / 255
            images = images if size == recipe.input_size else lose_resolution(images, size)
            parts.append(self.module(to_network(images), torch.full((len(images),), level, device=device)))
        fields = ("rotations", "betas", "cameras", "embeddings")
        return Shapes(*(torch.cat([getattr(part, name) for part in parts]).cpu() for name in fields))

    def _evaluate(self, size: int, path: Path) -> dict[str, Any]:
        shapes = self.predict(size)
        if size == self._recipe.input_size:
            self._predicted = shapes
        rotations, betas, cameras = (part.numpy() for part in (shapes.rotations, shapes.betas, shapes.cameras))
        wide = rotations.astype(np.float64), betas.astype(np.float64)  # as the evaluate command reads them back
        joints = lsp_joints(*wide, self._body, self._regressors)
        write_predictions(path, Predictions(rotations, betas, cameras, joints), self._test.names)
        return score_parameters(*wide, self._test, self._bodies, self._regressors)

    def _targets(self, batch: ShapeBatch) -> ShapeTargets:
        device = self._device()
        pose, betas, has_smpl = (part.to(device) for part in (batch.pose, batch.betas, batch.has_smpl))
        keypoints_2d = batch.keypoints_2d.to(device)
        rotations = batch_rodrigues(pose.reshape(-1, 3)).view(-1, 24, 3, 3)
        cameras, fitted = fitted_cameras(
            self.module.joints(rotations, betas),
            keypoints_2d,
            focal_length=self._recipe.focal_length,
            size=self._recipe.input_size,
        )
        return ShapeTargets(
            keypoints_2d=keypoints_2d,
            keypoints_3d=batch.keypoints_3d.to(device),
            rotations=rotations,
            betas=betas,
            has_smpl=has_smpl,
            cameras=cameras,
            has_camera=has_smpl * fitted,
        )

    def _device(self) -> torch.device:
        return next(self.module.parameters()).device


def fingerprints(recipe: PW3D, data: Path) -> dict[str, str]:
    """SHA-256 of annotations and body files; part of a run's identity. The pictures are known by their names only."""
    paths = {f"pw3d_{name}": annotation_path(data, name) for name in (TEST, *TRAIN)}
    names = (*(f"{gender}.npz" for gender in GENDERS), "J_regressor_h36m.npy", "J_regressor_extra.npy")
    paths |= {f"pw3d_{name}": data / FOLDER / name for name in (*names, "smpl_mean_params.npz")}
    return fingerprint(paths, REMEDY)


def augmented_samples(recipe: PW3D, *, data: Path, seed: int, count: int) -> np.ndarray:
    """The first ``count`` training samples (count, S, S, 3) uint8 as the network gets them at full size.

    Over them the 2D joints and, where the body is known, the mesh of its mirrored or plain pose at the fitted camera.
    """
    bodies = read_bodies(data)
    joints = TrainingJoints(bodies[0], read_regressors(data, bodies[0]))
    batches = TrainingBatches(read_mix(data), recipe, seed=seed, cached=False)
    scale, pictures = _enlargement(recipe.input_size), []
    for batch in load(batches, 0, 0):
        rotations = batch_rodrigues(batch.pose.reshape(-1, 3)).view(-1, 24, 3, 3)
        cameras, fitted = fitted_cameras(
            joints(rotations, batch.betas),
            batch.keypoints_2d,
            focal_length=recipe.focal_length,
            size=recipe.input_size,
        )
        meshes, _ = pose_body(bodies[0], rotations.double().numpy(), batch.betas.double().numpy())
        shifts = translations(cameras, focal_length=recipe.focal_length, size=recipe.input_size).double().numpy()
        images = change_colours(batch.images.float() / 255, batch.colours).mul(255).round().byte()
        places = ((batch.keypoints_2d[..., :2] + 1) * recipe.input_size / 2).double().numpy()
        for n in range(min(len(images), count - len(pictures))):
            image = np.repeat(np.repeat(images[n].permute(1, 2, 0).numpy(), scale, axis=0), scale, axis=1)
            if batch.has_smpl[n] * fitted[n] > 0:
                focal_length = scale * recipe.focal_length
                image = draw_mesh(image, meshes[n] + shifts[n], bodies[0].faces, focal_length=focal_length, opacity=0.5)
            # A pixel becomes scale of them, whose middle is (scale - 1) / 2 further on.
            known = batch.keypoints_2d[n, :, 2].numpy() > 0
            pictures.append(draw_joints(image, scale * places[n] + (scale - 1) / 2, known))
        if len(pictures) == count:
            break
    return np.stack(pictures)


def _enlargement(size: int) -> int:
    return max(1, round(_SHOWN_SIZE / size))
