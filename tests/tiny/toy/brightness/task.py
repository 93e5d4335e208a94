"""The toy benchmark's task."""

import numpy as np
import torch
from downstream.brightness.reader import read_labels
from torch import nn
from torch.nn import functional as F

from downstream.reading.frames import read_picture
from downstream.samples.network_input import pixels_to_network
from downstream.training.adam_player import adam_player
from downstream.training.epoch_batches import EpochBatches, load, to_images
from liftedcl.files.atomic import write_json


class Batches(EpochBatches):
    def __init__(self, data, recipe, seed):
        self._names, self._labels = read_labels(data, "train")
        super().__init__((len(self._names),), recipe, seed)
        self._folder = data / "images"

    def batch(self, draws):
        rows = self.rows(draws)
        images = to_images([read_picture(self._folder / self._names[row]) for row in rows])
        return images, torch.tensor(np.array(self._labels)[rows], dtype=torch.float32)


class BrightnessTask:
    def __init__(self, recipe, backbone, *, data, seed, workers):
        self._data, self._workers, self._batches = data, workers, Batches(data, recipe, seed)
        self.module = nn.ModuleDict({"backbone": backbone, "head": nn.Linear(backbone.out_channels, 1)})
        self.epochs, self.steps_per_epoch = recipe.epochs, len(self._batches)
        self.images_per_step = recipe.batch_size
        self.players = {"brightness": adam_player(self.module, recipe, self.steps_per_epoch)}

    def batches(self, epoch, first_step):
        self._batches.start(epoch)
        yield from load(self._batches, first_step, self._workers)

    def losses(self, batch):
        images, labels = batch
        yield "brightness", {"squared_error": F.mse_loss(self._told(images), labels)}

    @torch.inference_mode()
    def write_predictions(self, out):
        self.module.eval()
        names, _ = read_labels(self._data, "test")
        images = to_images([read_picture(self._data / "images" / name) for name in names])
        write_json(out / "predictions.json", dict(zip(names, self._told(images).tolist(), strict=True)))

    def _told(self, images):
        device = self.module["head"].weight.device
        maps = self.module["backbone"](pixels_to_network(images, device))
        return self.module["head"](maps.mean(dim=(2, 3)))[:, 0]
