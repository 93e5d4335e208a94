"""One run of the tiny pipeline for all of these tests; each works on a copy or a clone of it."""

import fcntl
import os

import pytest
from tiny.pipeline import copied, make_repository, run_everything


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """The repository after one `dvc repro`, committed: made once for all processes of the tests. Not to be changed."""
    shared = tmp_path_factory.getbasetemp()
    shared = shared.parent if "PYTEST_XDIST_WORKER" in os.environ else shared
    folder, done = shared / "finished" / "repository", shared / "finished" / "done"
    folder.parent.mkdir(exist_ok=True)
    with open(shared / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            run_everything(make_repository(folder))
            done.touch()
    return folder


@pytest.fixture
def copy(finished, tmp_path):
    """A copy of the finished repository, for one test alone."""
    return copied(finished, tmp_path / "repository")
