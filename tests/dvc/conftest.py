"""One run of the tiny pipeline for all of these tests; each works on a copy or a clone of it."""

import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent.parent  # `conftest` is this file here: what tests share asks it
sys.path.insert(0, str(REPOSITORY / "tests"))

from tiny_pipeline import copied, make_repository, run_everything  # noqa: E402


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
