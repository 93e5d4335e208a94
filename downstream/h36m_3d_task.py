"""Fine-tuning on Human3.6M for 3D pose: RLE on the backbone under test (Li et al. 2021; LiftedCL, appendix D, table 4).

Departures from the published code: pictures and statistics are both RGB, as in pre-training; the last epoch is
reported, never the best on the test set; the learning rate drops at the epochs the recipe names; no MPII samples.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from downstream.h36m_3d import ANNOTATIONS, NUM_REGRESSED, REMEDY, annotation_path, read_h36m_3d
from downstream.h36m_3d_data import PoseBatch, TestImages, TrainingBatches, loader, raised
from downstream.h36m_3d_scores import score, write_predictions
from downstream.pose_coding import decode, root_relative, unmirror
from downstream.recipes import H36M3D
from downstream.rle import RLERegressor, rle_loss
from liftedcl.engine import Player
from liftedcl.errors import InputError
from liftedcl.files import sha256_of_file
from liftedcl.schedule import milestones
from liftedcl.skeleton import NUM_JOINTS
from liftedcl.views import normalise

Recipe = H36M3D


class Benchmark:
    """The task of liftedcl/engine.py, and its evaluation.

    Args:
        recipe: schedule, sizes and augmentation.
        backbone: the encoder under test; it is trained on.
        data: folder of the data set.
        seed: decides order and augmentation of the samples.
        workers: processes that load data; 0 loads, and keeps decoded frames, in this one.

    Raises:
        InputError: data that is missing or damaged, or less than one batch of it.
    """

    def __init__(self, recipe: H36M3D, backbone: nn.Module, *, data: Path, seed: int, workers: int) -> None:
        self._recipe, self._workers = recipe, workers
        self._test = read_h36m_3d(data, "test")
        train = read_h36m_3d(data, "train")
        if len(train) < recipe.batch_size:
            raise InputError(
                f"{annotation_path(data, 'train')}: {len(train)} samples are less than a batch of "
                f"{recipe.batch_size}; {REMEDY}"
            )
        self._batches = TrainingBatches(train, recipe, seed=seed, cached=workers == 0)
        self.module = RLERegressor(
            backbone,
            joints=NUM_REGRESSED,
            dimension=3,
            flow_layers=recipe.flow_layers,
            flow_hidden=recipe.flow_hidden,
        ).to(memory_format=torch.channels_last)  # a sixth faster on a CPU
        self.epochs, self.steps_per_epoch = recipe.epochs, len(self._batches)
        self.images_per_step = recipe.batch_size
        rate = milestones(
            recipe.learning_rate,
            steps_per_epoch=self.steps_per_epoch,
            epochs_list=recipe.milestones,
            factor=recipe.milestone_factor,
        )
        parameters = list(self.module.parameters())
        self.players = {
            "rle": Player(
                parameters,
                torch.optim.Adam(parameters, lr=recipe.learning_rate, fused=True),
                rate,
                recipe.gradient_clip,
            )
        }

    def batches(self, epoch: int, first_step: int) -> Iterator[PoseBatch]:
        self._batches.start(epoch)
        yield from map(raised, loader(self._batches, first_step, self._workers))

    def losses(self, batch: PoseBatch) -> Iterator[tuple[str, dict[str, Tensor]]]:
        device = next(self.module.parameters()).device
        mu, sigma = self.module(_normalised(batch.images.to(device)))
        targets, weights = batch.targets.to(device), batch.weights.to(device)
        yield "rle", {"residual_likelihood": rle_loss(mu, sigma, targets, weights, self.module.flow)}

    def evaluate(self, out: Path) -> dict[str, Any]:
        """Write ``out/predictions.npz`` and return the scores that go into metrics.json."""
        poses = self.predict()
        write_predictions(out / "predictions.npz", poses, self._test)
        return score(poses, self._test)

    def predict(self) -> np.ndarray:
        """Root-relative camera-frame poses (N, 17, 3) of the test split, in mm, with the flip test."""
        images = TestImages(self._test, self._recipe)
        outputs = [self._regress(raised(batch)) for batch in loader(images, 0, self._workers)]
        joints = decode(
            np.concatenate(outputs),
            root_depth=self._test.joints[:, 0, 2],
            f=self._test.f,
            c=self._test.c,
            matrices=images.matrices,
            size=self._recipe.input_size,
            depth_range=self._recipe.depth_range_mm,
        )
        return root_relative(joints)[:, :NUM_JOINTS]

    @torch.inference_mode()
    def _regress(self, images: Tensor) -> np.ndarray:
        """Mean of the outputs for the crops (B, 3, S, S) and for their mirror images: (B, 18, 3) float64."""
        self.module.eval()
        images = _normalised(images.to(next(self.module.parameters()).device))
        plain, mirrored = (self.module(view)[0].cpu().double().numpy() for view in (images, images.flip(3)))
        return (plain + unmirror(mirrored, self._recipe.input_size)) / 2


def fingerprints(data: Path) -> dict[str, str]:
    """SHA-256 of the annotation files; part of a run's identity. The pictures are known by their names only."""
    paths = {f"h36m_3d_{split}": annotation_path(data, split) for split in ANNOTATIONS}
    try:
        return {name: sha256_of_file(path) for name, path in paths.items()}
    except FileNotFoundError as error:
        raise InputError(f"{error.filename}: not found; {REMEDY}") from None


def _normalised(images: Tensor) -> Tensor:
    """uint8 RGB (B, 3, S, S) as the encoder saw them in pre-training."""
    return normalise(images.float() / 255.0).contiguous(memory_format=torch.channels_last)
