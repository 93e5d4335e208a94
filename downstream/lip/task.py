"""Fine-tuning on LIP: SCHP on the backbone under test (Li et al. 2020; LiftedCL, appendix D).

The last teacher, the mean of the students of all rounds, is what is reported: it is SCHP's result. The last student's
scores stand beside it.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from downstream.lip.data import ParsingBatch, TestBatches, TrainingBatches
from downstream.lip.labels import IGNORED, NUM_CLASSES
from downstream.lip.overlay import compared, draw_labels
from downstream.lip.parsing_loss import parsing_loss
from downstream.lip.parsing_network import ParsingNetwork, resize
from downstream.lip.reader import REMEDY, SPLITS, list_path, read_lip
from downstream.lip.recipe import LIP, rounds_before
from downstream.lip.schedule import warm_restarts
from downstream.lip.scores import ConfusionMatrix, score, write_prediction
from downstream.lip.self_correction import SelfCorrection
from downstream.lip.whole_picture import unwarp_labels
from downstream.reading.fingerprint import fingerprint
from downstream.samples.network_input import pixels_to_network
from downstream.samples.overlay import EXAMPLES
from downstream.training.epoch_batches import load
from liftedcl.engine.loop import Player
from liftedcl.files.evenly_spread import evenly_spread
from liftedcl.identity.errors import InputError

_EXAMPLE_SIDE = 256


class Benchmark:
    """The task of liftedcl/engine/loop.py, and its evaluation.

    Args:
        recipe: schedule, sizes and augmentation.
        backbone: the encoder under test, a ResNet; it is trained on.
        data: folder of the data set.
        seed: decides order and augmentation of the samples.
        workers: processes that load data; 0 loads, and keeps decoded pictures, in this one.

    Raises:
        InputError: data that is missing or damaged, or less than one batch of it; a backbone that is no ResNet.
    """

    def __init__(self, recipe: LIP, backbone: nn.Module, *, data: Path, seed: int, workers: int) -> None:
        self._recipe, self._workers = recipe, workers
        student = ParsingNetwork(backbone, recipe, classes=NUM_CLASSES).to(memory_format=torch.channels_last)
        self.module = SelfCorrection(student)
        self._test = read_lip(data, "val")
        train = read_lip(data, "train")
        if len(train) < recipe.batch_size:
            path = list_path(data, "train")
            raise InputError(f"{path}: {len(train)} samples are less than a batch of {recipe.batch_size}; {REMEDY}")
        self._batches = TrainingBatches(train, recipe, seed=seed, cached=workers == 0)
        self.epochs, self.steps_per_epoch = recipe.epochs, len(self._batches)
        self.images_per_step = recipe.batch_size
        parameters = [parameter for parameter in student.parameters() if parameter.requires_grad]
        optimiser = torch.optim.SGD(
            parameters,
            lr=recipe.learning_rate,
            momentum=recipe.momentum,
            weight_decay=recipe.weight_decay,
            foreach=True,
        )
        self.players = {"schp": Player(parameters, optimiser, warm_restarts(recipe, self.steps_per_epoch))}
        self._shown: dict[int, np.ndarray] = {}

    def batches(self, epoch: int, first_step: int) -> Iterator[ParsingBatch]:
        self._end_round(epoch)
        self._batches.start(epoch)
        yield from load(self._batches, first_step, self._workers)

    def losses(self, batch: ParsingBatch) -> Iterator[tuple[str, dict[str, Tensor]]]:
        images, labels = pixels_to_network(batch.images, self._device), batch.labels.to(self._device).long()
        rounds = rounds_before(self._recipe, batch.epoch)
        student, teacher = self.module.student(images).resized(labels.shape[1:]), None
        if rounds:
            with torch.no_grad():
                teacher = self.module.teacher(images).resized(labels.shape[1:])
        yield "schp", parsing_loss(student, teacher, labels, rounds=rounds, ignored=IGNORED)

    def evaluate(self, out: Path) -> dict[str, Any]:
        """Write ``out/predictions/<name>.png`` and return the scores that go into metrics.json."""
        self._end_round(self._recipe.epochs)
        networks = {"teacher": self.module.teacher, "student": self.module.student}
        matrices = {name: ConfusionMatrix() for name in networks}
        shown = set(evenly_spread(len(self._test), EXAMPLES).tolist())
        self.module.eval()
        batches, n = TestBatches(self._test, self._recipe), 0
        for images in load(batches, 0, self._workers):
            parsed = {name: self._parse(network, images) for name, network in networks.items()}
            for row in range(len(images)):
                truth = self._test.label(n)
                for name, labels in parsed.items():
                    predicted = unwarp_labels(labels[row], batches.matrices[n], truth.shape[::-1])
                    matrices[name].add(truth, predicted)
                    if name == "teacher":
                        write_prediction(out / "predictions", self._test.names[n], predicted)
                        if n in shown:
                            self._shown[n] = predicted
                n += 1
        return {**score(matrices["teacher"]), "student": score(matrices["student"]), "samples": n}

    def examples(self) -> np.ndarray:
        """True labels beside predicted ones over up to 12 test pictures, (N, 256, 512, 3) uint8; after `evaluate`."""
        samples = self._test
        drawn = [compared(samples.image(n), samples.label(n), found, _EXAMPLE_SIDE) for n, found in self._shown.items()]
        return np.stack(drawn)

    @property
    def _device(self) -> torch.device:
        return next(self.module.parameters()).device

    def _end_round(self, epoch: int) -> None:
        """End the round that is due before ``epoch``, unless the checkpoint that the run goes on from has done so."""
        if self.module.rounds < rounds_before(self._recipe, epoch):
            self._batches.start(epoch)
            batches = load(self._batches, 0, self._workers)
            self.module.end_round(pixels_to_network(batch.images, self._device) for batch in batches)

    @torch.inference_mode()
    def _parse(self, network: nn.Module, images: Tensor) -> np.ndarray:
        """Labels (B, S, S) uint8 of fitted pictures (B, 3, S, S): one scale, no flip."""
        logits = network(pixels_to_network(images, self._device)).fused
        return resize(logits, images.shape[2:]).argmax(dim=1).to(torch.uint8).cpu().numpy()


def fingerprints(recipe: LIP, data: Path) -> dict[str, str]:
    """SHA-256 of the lists; part of a run's identity. Pictures and label maps are known by their names only."""
    paths = {f"lip_{split}": list_path(data, split) for split in SPLITS}
    return fingerprint(paths, REMEDY)


def augmented_samples(recipe: LIP, *, data: Path, seed: int, count: int) -> np.ndarray:
    """Up to ``count`` training samples, augmented, with their labels drawn over them; small ones enlarged."""
    train = read_lip(data, "train")
    batch = TrainingBatches(train, recipe, seed=seed, cached=False).batch(evenly_spread(len(train), count))
    images = batch.images.numpy().transpose(0, 2, 3, 1)
    drawn = np.stack([draw_labels(image, labels) for image, labels in zip(images, batch.labels.numpy(), strict=True)])
    enlarged = max(1, _EXAMPLE_SIDE // recipe.input_size)
    return drawn.repeat(enlarged, axis=1).repeat(enlarged, axis=2)
