"""Every method goes on, after a stop at any step, to bitwise the same encoder: queues, copies, critic, optimisers."""

import dataclasses
import itertools

import numpy as np
import pytest
import torch
from repository import REPOSITORY
from tiny.pretraining import METHODS
from tiny.shard import write_tiny_shard

from liftedcl.engine import loop
from liftedcl.engine.device import prepare_device
from liftedcl.methods import method_class
from liftedcl.networks.encoder import build_backbone
from liftedcl.pretrain import PretrainingTask
from workflow.params import read_params

ROWS = read_params(REPOSITORY / "params.yaml", {"profile": "demo"}).encoders


class StoppedError(Exception):
    pass


@pytest.fixture(scope="module")
def shard(tmp_path_factory):
    return write_tiny_shard(tmp_path_factory.mktemp("shard") / "images.npy", 12)


def run(method, shard, folder, monkeypatch, stop_after=None):
    """Two epochs of three steps, with a checkpoint after each step; stopped in the middle of one if asked."""
    device = prepare_device(1)
    monkeypatch.setattr(loop, "_SECONDS_BETWEEN_CHECKPOINTS", 0.0)
    row = next(recipe for recipe in ROWS.values() if recipe.method == method)
    recipe = dataclasses.replace(row, training=dataclasses.replace(row.training, batch_size=4, epochs=2))
    torch.manual_seed(0)
    skeletons = torch.nn.functional.normalize(torch.randn(20, 51), dim=1).view(-1, 17, 3).numpy()
    task = PretrainingTask(
        method_class(method)(recipe, build_backbone(recipe.backbone), shard, skeletons), recipe, shard, 0, device
    )
    losses, count = task.losses, itertools.count()

    def stopping(batch):
        for item in losses(batch):
            yield item
            if next(count) == stop_after:  # after the backward pass and the step of one player, before the next
                raise StoppedError

    task.losses = stopping
    loop.fit(task, folder=folder, identity={}, seed=0, device=device, name=method, observe=task.observe)
    return task


def states(task):
    yield from task.module.state_dict().items()
    for name, player in task.players.items():
        for index, state in player.optimiser.state_dict()["state"].items():
            yield from ((f"{name}.{index}.{key}", value) for key, value in state.items())


@pytest.mark.parametrize("method", METHODS)
def test_a_stopped_run_ends_in_the_same_bits(method, shard, tmp_path, monkeypatch, capsys):
    whole = run(method, shard, tmp_path / "whole", monkeypatch)
    for stop in (2, 4):
        with pytest.raises(StoppedError):
            run(method, shard, tmp_path / str(stop), monkeypatch, stop_after=stop)
        resumed = run(method, shard, tmp_path / str(stop), monkeypatch)
        assert "going on from step" in capsys.readouterr().out
        for (key, ours), (_, theirs) in zip(states(resumed), states(whole), strict=True):
            assert torch.equal(torch.as_tensor(ours), torch.as_tensor(theirs)), key
        history = (tmp_path / str(stop) / "history.csv").read_bytes()
        assert history == (tmp_path / "whole" / "history.csv").read_bytes()
    assert b"features/rank" in history


def test_lifted_skeletons_are_kept_for_every_epoch(shard, tmp_path, monkeypatch):
    task = run("liftedcl", shard, tmp_path, monkeypatch)
    history = task.monitor.history()
    assert history.epochs.tolist() == [0, 1, 2]
    assert history.skeletons.shape == (3, len(history.rows), 17, 3)
    assert np.allclose(np.linalg.norm(history.skeletons.reshape(3, len(history.rows), -1), axis=2), 1, atol=1e-5)
    assert not np.allclose(history.skeletons[0], history.skeletons[2])
