"""The only training loop: every pre-training and every fine-tuning runs through `fit`.

A task names its players (parameters with their optimiser) and, for a batch, yields (player, losses) pairs; the engine
zeroes that player's gradients, back-propagates, clips, steps, and asks for the next pair. MoCo and the fine-tunings
yield once; LiftedCL yields the encoder and then the critic.

Randomness derives from (seed, step) alone, so resuming is running the same command again, and gives the same bits.
"""

import hashlib
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from liftedcl import checkpoint
from liftedcl.errors import InputError
from liftedcl.journal import Journal, write_history
from liftedcl.schedule import Schedule

_SECONDS_BETWEEN_CHECKPOINTS = 20.0


@dataclass
class Player:
    """Parameters that are stepped together. ``learning_rate`` maps the step to a rate, ``gradient_clip`` is a norm."""

    parameters: list[nn.Parameter]
    optimiser: torch.optim.Optimizer
    learning_rate: Schedule
    gradient_clip: float | None = None


class Task(Protocol):
    """What `fit` trains."""

    module: nn.Module
    """Everything a checkpoint must hold: networks, queues, momentum copies."""
    players: dict[str, Player]
    epochs: int
    steps_per_epoch: int
    images_per_step: int

    def batches(self, epoch: int, first_step: int) -> Iterator[Any]:
        """The batches of an epoch from ``first_step`` on; a function of (seed, epoch, step) alone."""

    def losses(self, batch: Any) -> Iterator[tuple[str, dict[str, Tensor]]]:
        """Yield (player, weighted loss terms whose sum is that player's loss); resumed after each optimiser step."""


def fit(
    task: Task, *, folder: Path, identity: dict[str, Any], seed: int, device: torch.device, name: str
) -> list[dict[str, float]]:
    """Train ``task`` to its end, going on from ``folder/last.pt`` where that belongs to the same run.

    Args:
        folder: where the checkpoint and ``history.csv`` go.
        identity: everything that decides the result (recipe, seed, data, code); guards the checkpoint.
        name: what the progress lines call the run.

    Returns:
        The history, one row an epoch.

    Raises:
        InputError: a loss that is not finite; names the run, the step, the terms and the last good checkpoint.
    """
    total = task.epochs * task.steps_per_epoch
    if total == 0:
        raise InputError(f"{name}: the data holds less than one batch; lower batch_size or add data")
    folder.mkdir(parents=True, exist_ok=True)
    task.module.to(device)
    step, history, sums = _resume(task, folder, identity, device, name)
    journal = Journal(name, steps=total, images_per_step=task.images_per_step, first_step=step)
    saved = time.monotonic()
    task.module.train()
    while step < total:
        epoch, first = divmod(step, task.steps_per_epoch)
        for batch in task.batches(epoch, first):
            torch.manual_seed(step_seed(seed, step))
            terms = _train_step(task, batch, step)
            _accumulate(sums, terms)
            step += 1
            epoch_ends = step % task.steps_per_epoch == 0
            checkpoint_due = time.monotonic() - saved >= _SECONDS_BETWEEN_CHECKPOINTS and step < total
            if epoch_ends or checkpoint_due or journal.due():
                values = {key: value.item() for key, value in terms.items()}
                _stop_if_not_finite(values, sums, step, folder, name)
                if journal.due() or step == total:
                    journal.line(step, values)
            if epoch_ends:
                means = {key: value.item() / task.steps_per_epoch for key, value in sums.items()}
                history.append({"epoch": epoch + 1, "step": step, **means})
                sums = {}
                write_history(folder / "history.csv", history)
            if checkpoint_due:
                checkpoint.save(folder, identity, _state(task, step, history, sums))
                saved = time.monotonic()
    return history


def step_seed(seed: int, step: int) -> int:
    """The torch seed of one training step: 63 bits that are unrelated for neighbouring seeds and steps.

    Step -1 is what comes before the first. Raises `InputError` for a seed below 0.
    """
    if seed < 0:
        raise InputError(f"--seed {seed}: needs at least 0")
    return int.from_bytes(hashlib.sha256(f"{seed}/{step}".encode()).digest()[:8], "big") >> 1


def _train_step(task: Task, batch: Any, step: int) -> dict[str, Tensor]:
    """One round of all players. Returns the detached loss terms as 'player/term'."""
    seen: dict[str, Tensor] = {}
    for name, terms in task.losses(batch):
        player = task.players[name]
        player.optimiser.zero_grad(set_to_none=True)
        sum(terms.values()).backward()
        if player.gradient_clip is not None:
            nn.utils.clip_grad_norm_(player.parameters, player.gradient_clip)
        for group in player.optimiser.param_groups:
            group["lr"] = player.learning_rate(step)
        player.optimiser.step()
        seen |= {f"{name}/{term}": value.detach() for term, value in terms.items()}
    return seen


def _accumulate(sums: dict[str, Tensor], terms: dict[str, Tensor]) -> None:
    """Add on the device: reading a value here would make the host wait for it at every step."""
    for key, value in terms.items():
        sums[key] = sums[key] + value if key in sums else value.clone()


def _stop_if_not_finite(values: dict[str, float], sums: dict[str, Tensor], step: int, folder: Path, name: str) -> None:
    # The sums hold every step since the epoch began, so an explosion between two looks is seen as well.
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
    print(f"[{name}] going on from step {state['step']}", flush=True)
    return state["step"], state["history"], state["sums"]
