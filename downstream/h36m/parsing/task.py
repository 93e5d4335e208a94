"""Fine-tuning on Human3.6M parsing, as HCMoCo's published code trains it (its section 4.2).

What is judged is the network after the last epoch: the published code keeps the epoch that is best on 2,000 frames of
the test list, which is a choice by test labels, and not copied.
"""

from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from downstream.h36m.parsing.data import FrameBatches, TestFrames
from downstream.h36m.parsing.labels import LABELS
from downstream.h36m.parsing.network import ParsingNetwork, resize
from downstream.h36m.parsing.network_input import network_input
from downstream.h36m.parsing.reader import REMEDY, read_parsing
from downstream.h36m.parsing.recipe import H36MParsing
from downstream.h36m.parsing.schedule import polynomial
from downstream.label_maps.batches import ParsingBatch
from downstream.label_maps.classes import IGNORED
from downstream.label_maps.predictions import PREDICTIONS, write_prediction
from downstream.reading.frames import picture_size
from downstream.samples.device_crops import labels_on
from downstream.samples.network_input import mirrored_too
from downstream.training.epoch_batches import Epochs, load
from liftedcl.data_sets.h36m.parsing_files import PARSING
from liftedcl.engine.device import full_precision
from liftedcl.engine.loop import Player
from liftedcl.identity.errors import InputError
from liftedcl.networks.encoder import Backbone


class H36MPartParsing:
    """Human3.6M parsing's `downstream.benchmark.Benchmark`."""

    def __init__(self, recipe: H36MParsing, backbone: Backbone, *, data: Path, seed: int, workers: int) -> None:
        self._recipe, self._workers, depth = recipe, workers, recipe.input == "depth"
        network = ParsingNetwork(backbone, width=recipe.head_width, classes=LABELS.count)
        self.module = network.to(memory_format=torch.channels_last)
        self._test = read_parsing(data, "test", recipe.test_stride, depth=depth)
        train = read_parsing(data, "train", recipe.train_stride, depth=depth)
        if len(train) < recipe.batch_size:
            path = data / PARSING["train"]
            raise InputError(f"{path}: {len(train)} frames are less than a batch of {recipe.batch_size}; {REMEDY}")
        self._batches = FrameBatches(train, recipe, seed=seed, cached=workers == 0)
        self._epochs = Epochs(self._batches, workers)
        self.epochs, self.steps_per_epoch = recipe.epochs, len(self._batches)
        self.images_per_step = recipe.batch_size
        parameters = [parameter for parameter in self.module.parameters() if parameter.requires_grad]
        optimiser = torch.optim.SGD(
            parameters,
            lr=recipe.learning_rate,
            momentum=recipe.momentum,
            weight_decay=recipe.weight_decay,
            foreach=True,
        )
        rate = polynomial(recipe.learning_rate, steps=self.epochs * self.steps_per_epoch, power=recipe.power)
        self.players = {"parsing": Player(parameters, optimiser, rate)}

    def batches(self, epoch: int, first_step: int) -> Iterator[ParsingBatch]:
        yield from self._epochs.epoch(epoch, first_step)

    def losses(self, batch: ParsingBatch) -> Iterator[tuple[str, dict[str, Tensor]]]:
        labels = labels_on(batch.labels, self._device)
        logits = self.module(network_input(batch.images, self._device))
        with full_precision(logits):
            loss = parsing_loss(resize(logits.float(), labels.shape[1:]), labels)
        yield "parsing", {"cross_entropy": loss}

    def write_predictions(self, out: Path) -> None:
        """Write the classes of each test frame as a PNG of the frame's size."""
        self.module.eval()
        n = 0
        for images in load(TestFrames(self._test, self._recipe), 0, self._workers):
            logits = self._predict(images)
            for row in range(len(logits)):
                width, height = picture_size(self._test.label_path(n), REMEDY)
                labels = resize(logits[row : row + 1], (height, width)).argmax(dim=1)[0]
                write_prediction(out / PREDICTIONS, self._test.names[n], labels.to(torch.uint8).cpu().numpy())
                n += 1

    @property
    def _device(self) -> torch.device:
        return next(self.module.parameters()).device

    @torch.inference_mode()
    def _predict(self, images: Tensor) -> Tensor:
        """Logits (B, 25, S, S) of images (B, C, S, S), averaged with the mirrored images' if the recipe says so.

        The published code takes them to the label's size as exp(logits), which are no probabilities; here the logits
        themselves are interpolated.
        """
        size = images.shape[2:]
        views = network_input(images, self._device)
        if self._recipe.flip_test:
            plain, mirrored = self.module(mirrored_too(views)).chunk(2)
            logits = (plain + mirrored.flip(3)[:, LABELS.mirrored[: LABELS.count].tolist()]) / 2
        else:
            logits = self.module(views)
        return resize(logits, size)


def parsing_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean cross-entropy of logits (B, C, H, W) over the labelled pixels of labels (B, H, W); 0 where there is none."""
    count = (labels != IGNORED).sum().clamp(min=1)
    return F.cross_entropy(logits, labels, ignore_index=IGNORED, reduction="sum") / count
