"""Fine-tuning the published way: what feeds a step, and the step, as one would write both with PyTorch's defaults.

Each picture is decoded in each epoch, all of it or what training can see of it is copied for the noise, three channels
are warped, gains are multiplied in 32 bits and pixels are ordered channel by channel; this is the code from before
there were regions. Networks compute in that order of pixels and in float32, the optimiser is the one that PyTorch takes
when it isn't told, gradients that are clipped one by one are so in a loop, and the host reads the loss of each step, to
print it. Crops, targets, networks and losses are ours: the published ones, some of which loop over joints or classes,
would take longer.
"""

import contextlib
import dataclasses
from collections.abc import Iterator
from typing import Any
from unittest import mock

import numpy as np
import torch
from torch import Tensor, nn

from downstream.h36m.pose_3d import data as pose_data
from downstream.pw3d import task as shape_task
from downstream.samples import network_input
from downstream.samples.canvas import Canvas, Patch
from downstream.samples.crop import warp
from liftedcl.engine.loop import Player, Task
from liftedcl.views.rendering import normalise


class PublishedBatches:
    """The same samples as ``batches``, a benchmark's training batches, which are changed; for `Epochs`."""

    def __init__(self, batches: Any) -> None:
        self._batches = batches
        if hasattr(batches, "canvas"):
            batches.canvas = _WholeRegions(batches.canvas.size)

    def start(self, epoch: int) -> None:
        self._batches.start(epoch)

    def __len__(self) -> int:
        return len(self._batches)

    def __getitem__(self, step: int) -> Any:
        with mock.patch.object(pose_data, "amplify", _amplify):
            batch = self._batches[step]
        return dataclasses.replace(batch, images=batch.images.contiguous())


class _WholeRegions(Canvas):
    """Crops as they were cut before there were regions: of three channels, all of them copied for the noise."""

    def cut(self, pixels: np.ndarray, matrix: np.ndarray, patch: Patch | None = None) -> np.ndarray:
        if patch is not None:
            left, top, covering = patch
            pixels = pixels.copy()
            pixels[top : top + covering.shape[0], left : left + covering.shape[1]] = covering
        return warp(pixels, matrix, self.size)


def _amplify(crop: np.ndarray, gain: np.ndarray) -> np.ndarray:
    """Gains of channels as they were computed before there were regions."""
    return np.clip(crop * gain.astype(np.float32) + 0.5, 0, 255).astype(np.uint8)


def make_plain(task: Task) -> None:
    """Networks and optimisers of ``task`` as PyTorch makes them by default, in place; before the first step."""
    task.module.to(memory_format=torch.contiguous_format)
    for player in task.players.values():
        for group in player.optimiser.param_groups:
            group |= {"fused": None, "foreach": None}


def plain_step(task: Task, batch: Any, step: int) -> float:
    """What `train_step` does, with a task that `make_plain` has changed. Returns the loss."""
    total = 0.0
    with _channels_first():
        for name, terms in task.losses(batch):
            player = task.players[name]
            for group in player.optimiser.param_groups:
                group["lr"] = player.learning_rate(step) * group.get("lr_scale", 1.0)
            loss = sum(terms.values())
            player.optimiser.zero_grad()
            loss.backward()
            _clip(player)
            player.optimiser.step()
            total += loss.item()
    return total


def _clip(player: Player) -> None:
    if player.gradient_clip is None:
        return
    for parameters in player.parameters if player.clip_apart else [player.parameters]:
        nn.utils.clip_grad_norm_(parameters, player.gradient_clip)


@contextlib.contextmanager
def _channels_first() -> Iterator[None]:
    """In here a network's input is ordered channel by channel."""

    def to_network(images: Tensor) -> Tensor:
        return normalise(images).contiguous()

    with (
        mock.patch.object(network_input, "to_network", to_network),
        mock.patch.object(shape_task, "to_network", to_network),
    ):
        yield
