"""The checks of one method, each a function of its recipe and a folder; it raises `AssertionError` with what is wrong.

Recipes should be small: `small` makes any recipe fit a shard of `IMAGES` images.
"""

import dataclasses
import itertools
import resource
import statistics
import time
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any
from unittest import mock

import torch
from torch import Tensor, nn

from liftedcl.checks.noise import random_skeletons, write_noise
from liftedcl.engine import loop
from liftedcl.engine.device import prepare_device
from liftedcl.images.shard import Shard, open_shard
from liftedcl.methods import completes, lifts, method_class
from liftedcl.networks.encoder import build_backbone
from liftedcl.pretrain import PretrainingTask, training_batches
from liftedcl.recipes.encoder_recipe import EncoderRecipe
from liftedcl.recipes.outside_method import method_of

IMAGES, BATCH = 16, 8


class StoppedError(Exception):
    """Raised in the middle of a training, as a kill would end it."""


def small(recipe: EncoderRecipe, batch_size: int = BATCH, epochs: int = 2) -> EncoderRecipe:
    """``recipe`` from random weights, with few images a step and as few epochs.

    A tenth of SGD's rate: rounding decides which of equal cells a pooling takes, as in a depth map's holes, and four
    steps at a demo's own rate make that a difference of percents.
    """
    rate = recipe.training.learning_rate and recipe.training.learning_rate / 10
    training = dataclasses.replace(recipe.training, batch_size=batch_size, epochs=epochs, learning_rate=rate)
    contrast = recipe.contrast and dataclasses.replace(recipe.contrast, queue=64)
    return dataclasses.replace(recipe, start=None, training=training, contrast=contrast)


def noise_in(folder: Path) -> Shard:
    """The shard of the checks in ``folder``, written once."""
    path = folder / "images.npy"
    return open_shard(path) if path.exists() else write_noise(path, IMAGES)


def made(recipe: EncoderRecipe, shard: Shard) -> Any:
    """The method with its first weights, which are the same at each call."""
    torch.manual_seed(0)
    return method_class(method_of(recipe))(recipe, build_backbone(recipe.backbone), shard, random_skeletons(20))


def first_batch(recipe: EncoderRecipe, shard: Shard) -> Any:
    return next(training_batches(recipe, shard, 0).epoch(0, 0))


def play(method: Any, recipe: EncoderRecipe, batch: Any, stop_before: str | None = None) -> dict[str, Tensor]:
    """One round of all players as the engine plays it; returns the loss terms as 'player/term'."""
    players, seen = method.players(recipe, 10), {}
    for name, terms in method.losses(batch):
        if name == stop_before:
            break
        assert name in players, f"losses() yields the player {name!r}, and players() has {', '.join(players)}"
        players[name].optimiser.zero_grad()
        sum(terms.values()).backward()
        players[name].optimiser.step()
        seen |= {f"{name}/{term}": value for term, value in terms.items()}
    return seen


def check_shapes(recipe: EncoderRecipe, folder: Path) -> None:
    """The parts are there, losses are finite scalars, and the encoder has its backbone's names and shapes."""
    shard = noise_in(folder)
    method = made(recipe, shard)
    assert isinstance(method, nn.Module), f"{type(method).__name__} is not an nn.Module"
    for name, kind in (("backbone", nn.Module), ("heads", nn.ModuleDict)):
        part = getattr(method, name, None)
        assert isinstance(part, kind), f"its `{name}` is a {type(part).__name__}, not a {kind.__name__}"
    if completes(recipe):
        assert hasattr(method, "write_observed"), "with a section `masking` it needs `write_observed`"
    if lifts(recipe):
        assert "lifting" in method.heads, "with a section `lifting` its `heads` need a lifting network of that name"
    terms = play(method, recipe, first_batch(recipe, shard))
    assert terms, "losses() yields nothing"
    for name, value in terms.items():
        assert value.ndim == 0 and bool(value.isfinite()), f"the loss term {name} is no finite scalar: {value!r}"
    ours, plain = method.backbone.state_dict(), build_backbone(recipe.backbone).state_dict()
    differing = [key for key in plain if key not in ours or ours[key].shape != plain[key].shape]
    assert not differing, f"its backbone lacks or reshapes {differing[0]} of {recipe.backbone}; encoder.pt needs it"


def check_gradients(recipe: EncoderRecipe, folder: Path) -> None:
    """A step moves the backbone; every parameter but the momentum copy's (``key``) is stepped and has a gradient."""
    shard = noise_in(folder)
    method = made(recipe, shard)
    before = {key: value.clone() for key, value in method.state_dict().items()}
    play(method, recipe, first_batch(recipe, shard))
    after = method.state_dict()
    moved = any(not torch.equal(before[key], after[key]) for key in after if key.startswith("backbone."))
    assert moved, "a step does not move the backbone"
    trained = {id(p) for player in method.players(recipe, 10).values() for p in player.parameters}
    for key, parameter in method.named_parameters():
        if key.startswith("key"):
            still = not parameter.requires_grad and parameter.grad is None
            assert still, f"{key} is a momentum copy's, and gets a gradient"
        else:
            assert id(parameter) in trained, f"{key} is never stepped"
            assert parameter.grad is not None, f"{key} gets no gradient"
    for key in (key for key in after if "queue" in key and key.endswith("keys")):
        changed = int((before[key] != after[key]).any(dim=1).sum())
        assert changed == recipe.training.batch_size, f"{key}: a step queues {changed} keys, not one an image"
        lengths = after[key].norm(dim=1)
        assert torch.allclose(lengths, torch.ones_like(lengths), atol=1e-5), f"{key} holds keys whose length is not 1"


def check_momentum(recipe: EncoderRecipe, folder: Path) -> None:
    """Where there is a momentum copy (``key``), the loss depends on it."""
    shard = noise_in(folder)
    batch, losses = first_batch(recipe, shard), []
    for broken in (False, True):
        method = made(recipe, shard)
        copied = [parameter for key, parameter in method.named_parameters() if key.startswith("key")]
        if not copied:
            return
        for parameter in copied if broken else ():
            parameter.data.neg_()
        torch.manual_seed(5)
        _, terms = next(method.losses(batch))
        losses.append(sum(terms.values()).item())
    assert losses[0] != losses[1], "the loss does not depend on the momentum copy `key`"


def trained(recipe: EncoderRecipe, shard: Shard, folder: Path, stop_after: int | None = None) -> PretrainingTask:
    """Train with a checkpoint after every step; ``stop_after`` so many steps of players, a `StoppedError` ends it."""
    device = prepare_device(1)
    task = PretrainingTask(made(recipe, shard), recipe, shard, 0, device)
    losses, count = task.losses, itertools.count()

    def stopping(batch: Any) -> Iterator[Any]:
        for item in losses(batch):
            yield item
            if next(count) == stop_after:  # after the backward pass and the step of one player, before the next
                raise StoppedError

    task.losses = stopping
    with mock.patch.object(loop, "_SECONDS_BETWEEN_CHECKPOINTS", 0.0):
        loop.fit(task, folder=folder, identity={}, seed=0, device=device, name=folder.name, observe=task.observe)
    return task


def states(task: PretrainingTask) -> Iterator[tuple[str, Any]]:
    """Every tensor and number that a checkpoint must hold, with its name."""
    yield from task.module.state_dict().items()
    for name, player in task.players.items():
        for index, state in player.optimiser.state_dict()["state"].items():
            yield from ((f"{name}.{index}.{key}", value) for key, value in state.items())


def check_resume(recipe: EncoderRecipe, folder: Path, stops: tuple[int, ...] = (2,)) -> None:
    """A run that is stopped after some steps, and goes on, ends in the same bits as one that was not."""
    shard = noise_in(folder)
    whole = trained(recipe, shard, folder / "whole")
    for stop in stops:
        try:
            trained(recipe, shard, folder / f"stopped{stop}", stop_after=stop)
        except StoppedError:
            resumed = trained(recipe, shard, folder / f"stopped{stop}")
        else:
            raise AssertionError(f"the run was over before it could be stopped after {stop} steps")
        for (key, ours), (_, theirs) in zip(states(resumed), states(whole), strict=True):
            same = torch.equal(torch.as_tensor(ours), torch.as_tensor(theirs))
            assert same, f"{key} differs after a stop; draw with torch's generator, and keep all state in buffers"
        histories = [(folder / name / "history.csv").read_bytes() for name in ("whole", f"stopped{stop}")]
        assert histories[0] == histories[1], "history.csv differs after a stop"


def measured_step(recipe: EncoderRecipe, folder: Path, steps: int = 8) -> str:
    """Median time of a training step of ``recipe`` as it is given, and the memory it took, in words."""
    device = prepare_device(1)
    batch = recipe.training.batch_size
    shard = write_noise(folder / "step.npy", batch)
    task = PretrainingTask(made(recipe, shard), recipe, shard, 0, device)
    task.module.train()
    seconds = []
    for step, data in zip(range(steps), itertools.cycle(task.batches(0, 0)), strict=False):
        started = time.perf_counter()
        loop.train_step(task, data, step, nullcontext())
        if device.type == "cuda":
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - started)
    memory = f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MiB of memory, PyTorch included"
    if device.type == "cuda":
        memory = f"{torch.cuda.max_memory_allocated() >> 20} MiB of GPU memory"
    return f"{1000 * statistics.median(seconds):.0f} ms for {batch} images, at most {memory}"
