"""Processes that load data: one that the system ends is named with what to do, and the same command can go on."""

import os
import signal

import pytest
from torch.utils.data import Dataset

from downstream.training.epoch_batches import load, workers_named
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
