"""One run of the tiny pipeline for all of these tests; each works on a copy or a clone of it."""

import pytest
from tiny.pipeline import copied, make_repository, run_everything


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """The repository after one `dvc repro`, committed. Not to be changed."""
    folder = make_repository(tmp_path_factory.mktemp("finished") / "repository")
    run_everything(folder)
    return folder


@pytest.fixture
def copy(finished, tmp_path):
    """A copy of the finished repository, for one test alone."""
    return copied(finished, tmp_path / "repository")
