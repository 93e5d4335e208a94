"""The only training loop: every pre-training and every fine-tuning runs through `fit`.

A task names its players (parameters with their optimiser) and yields (player, losses) pairs for a batch. For each pair
the engine zeroes that player's gradients, back-propagates, clips and steps, and then asks for the next pair. MoCo and
the fine-tunings yield once; LiftedCL yields for the encoder and then for the critic.

Random numbers depend on (seed, step) alone, so running the same command again resumes and gives the same bits.

Each of several processes (distributed.py) computes the loss of its rows. Gradients and running statistics are averaged
at every step, so all processes hold the same state. Only the first one writes files and prints.
"""

import bisect
import contextlib
import hashlib
import itertools
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from liftedcl.engine import checkpoint, distributed
from liftedcl.engine.history import write_history
from liftedcl.engine.journal import Journal
from liftedcl.engine.schedule import Schedule
from liftedcl.identity.errors import InputError

_SECONDS_BETWEEN_CHECKPOINTS = 20.0


@dataclass
class Player:
    """Parameters that are stepped together.

    Attributes:
        learning_rate: maps a step to a rate; groups of the optimiser with ``lr_scale`` take that share of it.
        gradient_clip: largest norm of a step's gradient, which is scaled down to it; None leaves the gradient as it is.
        clip_apart: ``gradient_clip`` is for the gradient of each parameter by itself, not for that of all together.
    """

    parameters: list[nn.Parameter]
    optimiser: torch.optim.Optimizer
    learning_rate: Schedule
    gradient_clip: float | None = None
    clip_apart: bool = False


class Task(Protocol):
    """What `fit` trains."""

    module: nn.Module
    """All state that a checkpoint must hold: networks, queues, momentum copies."""
    players: dict[str, Player]
    epochs: int
    steps_per_epoch: int | Sequence[int]
    """Of every epoch, or of each one."""
    images_per_step: int | Sequence[int]
    """Likewise; of the progress lines only."""

    def batches(self, epoch: int, first_step: int) -> Iterator[Any]:
        """The batches of an epoch from ``first_step`` on; they depend on (seed, epoch, step) alone."""

    def losses(self, batch: Any) -> Iterator[tuple[str, dict[str, Tensor]]]:
        """Yield (player, weighted loss terms whose sum is the player's loss) before each optimiser step."""


def fit(
    task: Task,
    *,
    folder: Path,
    identity: dict[str, Any],
    seed: int,
    device: torch.device,
    name: str,
    autocast: bool = False,
    observe: Callable[[int], dict[str, float]] | None = None,
) -> list[dict[str, float]]:
    """Train ``task`` to its end, from ``folder/last.pt`` on if that belongs to the same run.

    Args:
        folder: gets the checkpoint and ``history.csv``.
        identity: everything that decides the result (recipe, seed, data, code); a checkpoint must have the same.
        name: the run's name in progress lines.
        autocast: compute losses in bfloat16 where that is accurate enough.
        observe: called after each epoch with the number of epochs done; returns columns of the history.

    Returns:
        The history, one row per epoch.

    Raises:
        InputError: a loss is not finite; the message names the run, step, terms and last good checkpoint.
    """
    per_epoch = task.steps_per_epoch
    lengths = [per_epoch] * task.epochs if isinstance(per_epoch, int) else per_epoch
    images = task.images_per_step
    sizes = [images] * task.epochs if isinstance(images, int) else images
    starts = [0, *itertools.accumulate(lengths)]
    total = starts[-1]
    if total == 0:
        raise InputError(f"{name}: the data holds less than one batch; lower batch_size or add data")
    folder.mkdir(parents=True, exist_ok=True)
    task.module.to(device)
    step, history, sums = _resume(task, folder, identity, device, name)
    journal = Journal(name, steps=total, images_per_step=sizes[0], first_step=step)
    saved = time.monotonic()
    statistics = [x for name, x in task.module.named_buffers() if name.endswith(("running_mean", "running_var"))]
    precision = torch.autocast(device.type, torch.bfloat16, enabled=autocast)
    task.module.train()
    while step < total:
        epoch = bisect.bisect_right(starts, step) - 1
        journal.images_per_step = sizes[epoch]
        for batch in task.batches(epoch, step - starts[epoch]):
            torch.manual_seed(step_seed(seed, step))
            terms = train_step(task, batch, step, precision)
            distributed.average_(statistics)
            for key, value in terms.items():  # on the device: reading a value here would make the host wait for it
                sums[key] = sums[key] + value if key in sums else value.clone()
            step += 1
            epoch_ends = step == starts[epoch + 1]
            save_due = time.monotonic() - saved >= _SECONDS_BETWEEN_CHECKPOINTS and step < total
            line_due, save_due = distributed.agreed(journal.due(), save_due)
            if epoch_ends or save_due or line_due:
                values = _values(terms)
                distributed.average_(sums.values())
                _stop_if_not_finite(values, sums, step, folder, name)
                if distributed.rank() == 0 and (line_due or step == total):
                    journal.line(step, values)
            if epoch_ends:
                means = {key: value / lengths[epoch] for key, value in _values(sums).items()}
                observed = observe(epoch + 1) if observe is not None else {}
                task.module.train()
                history.append({"epoch": epoch + 1, "step": step, **means, **observed})
                sums = {}
                if distributed.rank() == 0:
                    write_history(folder / "history.csv", history)
            if save_due:
                if distributed.rank() == 0:
                    checkpoint.save(folder, identity, _state(task, step, history, sums))
                saved = time.monotonic()
    return history


def step_seed(seed: int, step: int) -> int:
    """The torch seed of one training step: 63 bits that are unrelated for neighbouring seeds and steps.

    Step -1 is for what comes before the first step. Raises `InputError` for a seed below 0.
    """
    if seed < 0:
        raise InputError(f"--seed {seed}: needs at least 0")
    return int.from_bytes(hashlib.sha256(f"{seed}/{step}".encode()).digest()[:8], "big") >> 1


def train_step(
    task: Task, batch: Any, step: int, precision: contextlib.AbstractContextManager[Any]
) -> dict[str, Tensor]:
    """Step every player once. Returns the detached loss terms as 'player/term'.

    ``step`` counts from the start of the run and decides the learning rates. Forward passes run within ``precision``.
    """
    seen: dict[str, Tensor] = {}
    rounds = iter(task.losses(batch))
    while True:
        with precision:  # the forward pass only: autograd gives gradients the precision of their tensors
            name, terms = next(rounds, (None, {}))
        if name is None:
            return seen
        player = task.players[name]
        player.optimiser.zero_grad(set_to_none=True)
        sum(terms.values()).backward()
        distributed.average_(p.grad for p in player.parameters if p.grad is not None)
        _clip(player)
        for group in player.optimiser.param_groups:
            group["lr"] = player.learning_rate(step) * group.get("lr_scale", 1.0)
        player.optimiser.step()
        seen |= {f"{name}/{term}": value.detach() for term, value in terms.items()}


def _clip(player: Player) -> None:
    if player.gradient_clip is None:
        return
    if not player.clip_apart:
        nn.utils.clip_grad_norm_(player.parameters, player.gradient_clip)
        return
    gradients = [p.grad for p in player.parameters if p.grad is not None]
    norms = torch.stack(torch._foreach_norm(gradients))  # in a few kernels, however many parameters there are
    torch._foreach_mul_(gradients, list((player.gradient_clip / (norms + 1e-6)).clamp_max(1.0)))


def _values(terms: dict[str, Tensor]) -> dict[str, float]:
    """The means over the processes, fetched from the device in one copy."""
    stacked = torch.stack([value.float() for value in terms.values()])
    distributed.average_([stacked])
    return dict(zip(terms, stacked.tolist(), strict=True))


def _stop_if_not_finite(values: dict[str, float], sums: dict[str, Tensor], step: int, folder: Path, name: str) -> None:
    # The sums contain all steps of the epoch, so they show an explosion between two checks as well.
    if all(math.isfinite(value) for value in values.values()) and all(bool(s.isfinite()) for s in sums.values()):
        return
    terms = ", ".join(f"{key} = {value:.4g}" for key, value in values.items())
    last = folder / "last.pt"
    good = f"the last good checkpoint is {last}" if last.exists() else "there is no checkpoint yet"
    raise InputError(f"{name}: the loss is not finite at or before step {step} ({terms}); {good}; lower learning_rate")


def _state(task: Task, step: int, history: list[dict[str, float]], sums: dict[str, Tensor]) -> dict[str, Any]:
    return {
        "step": step,
        "history": history,
        "sums": sums,
        "module": task.module.state_dict(),
        "optimisers": {name: player.optimiser.state_dict() for name, player in task.players.items()},
    }


def _resume(
    task: Task, folder: Path, identity: dict[str, Any], device: torch.device, name: str
) -> tuple[int, list[dict[str, float]], dict[str, Tensor]]:
    state = checkpoint.load(folder, identity, device)
    if state is None:
        return 0, [], {}
    task.module.load_state_dict(state["module"])
    for player, optimiser in state["optimisers"].items():
        task.players[player].optimiser.load_state_dict(optimiser)
    if distributed.rank() == 0:
        print(f"[{name}] going on from step {state['step']}", flush=True)
    return state["step"], state["history"], state["sums"]
