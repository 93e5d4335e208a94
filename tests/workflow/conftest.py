"""One finished tiny run of table 4, which the tests of a file share, and edits of it that are undone."""

from pathlib import Path

import pytest
from tiny.run import finished_run


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A copy of the repository after a tiny run of table 4."""
    return finished_run(tmp_path_factory.mktemp("finished") / "repository")


@pytest.fixture
def edited(finished):
    """Edit files of the finished copy; they are put back afterwards."""
    saved: dict[Path, str] = {}

    def edit(name, old, new):
        path = finished / name
        saved.setdefault(path, path.read_text())
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new, 1))

    yield edit
    for path, text in saved.items():
        path.write_text(text)
