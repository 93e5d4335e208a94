"""Fine-tuning on LIP: SCHP on the backbone under test (Li et al. 2020; LiftedCL, appendix D).

The reported scores are of the last teacher, the mean of the students of all rounds, which is SCHP's result. The scores
of the last student are written beside them.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from downstream.label_maps.batches import ParsingBatch
from downstream.lip.data import ParsingBatches, fitted_images
from downstream.lip.labels import NUM_CLASSES
from downstream.lip.parsing_loss import parsing_loss
from downstream.lip.parsing_network import ParsingNetwork, resize
from downstream.lip.predictions import PREDICTIONS, STUDENT_PREDICTIONS, write_prediction
from downstream.lip.reader import REMEDY, list_path, read_lip
from downstream.lip.recipe import LIP
from downstream.lip.schedule import rounds_before, warm_restarts
from downstream.lip.self_correction import SelfCorrection
from downstream.lip.whole_picture import unwarp_labels
from downstream.samples.device_crops import labels_on
from downstream.samples.network_input import pixels_to_network
from downstream.training.epoch_batches import Epochs, load
from liftedcl.engine.device import full_precision
from liftedcl.engine.loop import Player
from liftedcl.identity.errors import InputError


class LIPParsing:
    """LIP's `downstream.benchmark.Benchmark`."""

    def __init__(
        self, recipe: LIP, backbone: nn.Module, *, data: Path, seed: int, workers: int, packed: Path | None = None
    ) -> None:
        self._recipe, self._workers = recipe, workers
        student = ParsingNetwork(backbone, recipe, classes=NUM_CLASSES).to(memory_format=torch.channels_last)
        self.module = SelfCorrection(student)
        self._test = read_lip(data, "val")
        train = read_lip(data, "train")
        if len(train) < recipe.batch_size:
            path = list_path(data, "train")
            raise InputError(f"{path}: {len(train)} samples are less than a batch of {recipe.batch_size}; {REMEDY}")
        self._batches = ParsingBatches(train, recipe, seed=seed, cached=workers == 0, packed=packed)
        self._batches.on_device = packed is not None and torch.cuda.is_available()
        self._epochs = Epochs(self._batches, workers)
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

    def batches(self, epoch: int, first_step: int) -> Iterator[ParsingBatch]:
        self._end_round(epoch)
        yield from self._epochs.epoch(epoch, first_step)

    def losses(self, batch: ParsingBatch) -> Iterator[tuple[str, dict[str, Tensor]]]:
        images = pixels_to_network(batch.images, self._device)
        labels = labels_on(batch.labels, self._device)
        rounds = rounds_before(self._recipe, batch.epoch)
        student, teacher = self.module.student(images).resized(labels.shape[1:]), None
        if rounds:
            with torch.no_grad():
                teacher = self.module.teacher(images).resized(labels.shape[1:])
        with full_precision(images):
            terms = parsing_loss(student, teacher, labels, rounds=rounds)
        yield "schp", terms

    def write_predictions(self, out: Path) -> None:
        """Write the label map of each test image as a PNG, once from the teacher and once from the student."""
        self._end_round(self._recipe.epochs)
        networks = {PREDICTIONS: self.module.teacher, STUDENT_PREDICTIONS: self.module.student}
        self.module.eval()
        crops, n = fitted_images(self._test, self._recipe.input_size, self._recipe.batch_size), 0
        for images in load(crops, 0, self._workers):
            parsed = {folder: self._parse(network, images) for folder, network in networks.items()}
            for row in range(len(images)):
                for folder, labels in parsed.items():
                    predicted = unwarp_labels(labels[row], crops.matrices[n], tuple(self._test.sizes[n]))
                    write_prediction(out / folder, self._test.names[n], predicted)
                n += 1

    @property
    def _device(self) -> torch.device:
        return next(self.module.parameters()).device

    def _end_round(self, epoch: int) -> None:
        """End the round that is due before ``epoch``, unless the checkpoint that the run goes on from has done so."""
        if self.module.rounds < rounds_before(self._recipe, epoch):
            batches = self._epochs.epoch(epoch, 0)
            self.module.end_round(pixels_to_network(batch.images, self._device) for batch in batches)

    @torch.inference_mode()
    def _parse(self, network: nn.Module, images: Tensor) -> np.ndarray:
        """Labels (B, S, S) uint8 of fitted images (B, 3, S, S): one scale, no flip."""
        logits = network(pixels_to_network(images, self._device)).fused
        return resize(logits, images.shape[2:]).argmax(dim=1).to(torch.uint8).cpu().numpy()
