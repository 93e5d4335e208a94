"""What a training step takes for each image: counted on tensors that have a shape and no content, or timed on a GPU."""

import statistics
import time
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any
from unittest import mock

import torch
from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks
from torch.utils.flop_counter import FlopCounterMode

from liftedcl.engine.loop import Task, train_step

ASSUMED = 66e12
"""Operations a second: ResNet-50 at 24.6 GFLOP an image and the 2,700 images/s published for an H100 in 16 bits."""


@dataclass(frozen=True)
class StepCost:
    """``seconds`` of a GPU for an image, bytes of its ``memory`` at the whole batch, bytes that the networks' file has.

    Counted memory is that of weights, gradients, the optimiser's means and what the forward pass keeps for the backward
    one, the last of these halved in 16 bits; a GPU needs some more for what is computed in between.
    """

    seconds: float
    memory: float
    file: int


def cost_of(task: Task, batch: int, device: torch.device, epoch: int, *, whole: int, autocast: bool) -> StepCost:
    """The cost of a step of ``task``, whose batches hold ``batch`` images where the recipe's hold ``whole``."""
    data = next(iter(task.batches(epoch, 0)))
    file = sum(value.nbytes for value in task.module.state_dict().values())
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
        seconds = _timed(task, data, device, autocast=autocast)
        return StepCost(seconds / batch, torch.cuda.max_memory_allocated(), file)
    trained = sum(
        parameter.nbytes * (1 + _means(player.optimiser))
        for player in task.players.values()
        for parameter in player.parameters
    )
    task.module.to("meta").train()
    kept: dict[int, Any] = {}

    def keep(value: Tensor) -> Tensor:
        kept[value.untyped_storage()._cdata] = value.untyped_storage()  # held, so that no other gets its address
        return value

    no_autocast = mock.patch("torch.autocast", lambda *_, **__: nullcontext())  # there is none for shapes alone
    with FlopCounterMode(display=False) as counter, no_autocast, saved_tensors_hooks(keep, lambda value: value):
        for _, terms in task.losses(data):
            sum(terms.values()).backward()
    weights = {value.untyped_storage()._cdata for value in (*task.module.parameters(), *task.module.buffers())}
    saved = sum(storage.nbytes() for place, storage in kept.items() if place not in weights)
    memory = file + trained + saved * whole / batch / (2 if autocast else 1)
    return StepCost(counter.get_total_flops() / batch / (ASSUMED if autocast else ASSUMED / 2), memory, file)


def _means(optimiser: torch.optim.Optimizer) -> int:
    """Numbers that an optimiser keeps of each parameter."""
    group = optimiser.param_groups[0]
    return 2 if "betas" in group else int(group["momentum"] > 0)


def _timed(task: Task, data: Any, device: torch.device, *, autocast: bool) -> float:
    """Seconds of a step on a GPU."""
    task.module.to(device).train()

    def step(number: int) -> float:
        torch.cuda.synchronize()
        started = time.perf_counter()
        train_step(task, data, number, torch.autocast("cuda", torch.bfloat16) if autocast else nullcontext())
        torch.cuda.synchronize()
        return time.perf_counter() - started

    return statistics.median([step(number) for number in range(25)][5:])
