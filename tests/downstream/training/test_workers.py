"""Processes that load data: one that the system ends is named with what to do, and the same command can go on."""

import os
import signal

import pytest
from torch.utils.data import Dataset

from downstream.training.epoch_batches import Epochs, load, workers_named
from liftedcl.identity.errors import InputError


class Deadly(Dataset):
    """Five items; whatever process makes the fourth one is killed, as by a system that is short of memory."""

    def __len__(self) -> int:
        return 5

    def __getitem__(self, step: int) -> int:
        if step == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        return step


def test_a_killed_worker_is_one_line_that_names_the_option():
    seen = []
    with pytest.raises(InputError) as error, workers_named(1):
        seen.extend(load(Deadly(), 0, 1))
    message = str(error.value)
    assert message.startswith("--workers 1: the system ended a process that loads data") and "\n" not in message
    assert "compute.workers" in message and "Run the same command again" in message
    with workers_named(1):
        assert list(load(Deadly(), 4, 1)) == [4]


def test_other_faults_keep_their_trace():
    with pytest.raises(RuntimeError, match="of a network"), workers_named(1):
        raise RuntimeError("of a network")


class Told(Dataset):
    """Items that say of which epoch they are and which process made them; each epoch is longer than the one before."""

    def start(self, epoch: int) -> None:
        self.epoch = epoch

    def __len__(self) -> int:
        return 3 + self.epoch

    def __getitem__(self, step: int) -> tuple[int, int, int]:
        return self.epoch, step, os.getpid()


def test_workers_live_through_all_epochs():
    epochs, pids = Epochs(Told(), 1), set()
    for epoch, first in ((0, 1), (1, 0), (5, 2)):
        items = list(epochs.epoch(epoch, first))
        assert [tuple(item[:2]) for item in items] == [(epoch, step) for step in range(first, 3 + epoch)]
        pids |= {item[2] for item in items}
    assert len(pids) == 1 and os.getpid() not in pids
    next(epochs.epoch(0, 0))  # given up half way
    assert [tuple(item[:2]) for item in epochs.epoch(1, 3)] == [(1, 3)]
    assert [item[2] for item in Epochs(Told(), 0).epoch(0, 0)] == 3 * [os.getpid()]
