"""The tiny Human3.6M that the tests of 2D pose read, and a copy of it that a test may change."""

import shutil

import pytest
from tiny.h36m import write_tiny_h36m


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return write_tiny_h36m(tmp_path_factory.mktemp("h36m"))


@pytest.fixture
def copy(root, tmp_path):
    """A data set whose annotation files may be changed."""
    (tmp_path / "images").symlink_to(root / "images")
    shutil.copytree(root / "annot", tmp_path / "annot")
    return tmp_path
