"""A reader that dies, or never ends, ends in one line; what a sound one raises is left to its caller."""

import os
import signal
import time

import pytest

from liftedcl.files import rehearsal
from liftedcl.files.rehearsal import rehearse
from liftedcl.identity.errors import InputError


@pytest.fixture
def path(tmp_path):
    (tmp_path / "a.mat").write_bytes(b"x" * 100)
    return tmp_path / "a.mat"


def test_a_reader_that_waits_for_ever_ends_by_the_clock(path, monkeypatch):
    monkeypatch.setattr(rehearsal, "_SECONDS", 1)
    monkeypatch.setattr(rehearsal, "_PATIENCE", 1)
    begun = time.monotonic()
    with pytest.raises(InputError, match=r"a\.mat: reading it did not end within 1 s; .*; get it again"):
        rehearse(lambda: time.sleep(60), path, "get it again")
    assert time.monotonic() - begun < 20


@pytest.mark.parametrize("end", [signal.SIGSEGV, signal.SIGKILL])
def test_a_reader_that_dies_is_named(path, end):
    with pytest.raises(InputError, match=r"a\.mat: reading it ends in .*, so it is damaged; get it again"):
        rehearse(lambda: os.kill(os.getpid(), end), path, "get it again")


def test_what_a_reader_raises_is_for_the_reading_itself(path):
    rehearse(lambda: 1 / 0, path, "get it again")
