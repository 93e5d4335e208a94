"""What several tests share: where the repository is, and the optional real samples."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from repository import REPOSITORY

_LONGEST = (
    "test_dag.py",  # it makes the run that others wait for, so two that need none stand beside it
    "test_benchmarks.py",
    "test_any_folder.py",
    "test_planning.py",
    "test_staleness.py",
    "test_why.py",
    "test_extending.py",
    "test_dvc.py",
    "test_pretrain.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first: begun last, one of them would run on while the other processes stand idle."""
    items.sort(key=lambda item: _LONGEST.index(item.path.name) if item.path.name in _LONGEST else len(_LONGEST))


@pytest.fixture(scope="session")
def realdata() -> Callable[[str], Path]:
    """Path of a real sample, or skip: the samples are licensed and never part of the repository."""
    root = Path(os.environ.get("LIFTEDCL_REALDATA", REPOSITORY.parent / "shared" / "realdata"))

    def locate(name: str) -> Path:
        path = root / name
        if not path.exists():
            pytest.skip(f"real sample {name} is not here (set LIFTEDCL_REALDATA to the folder that holds it)")
        return path

    return locate
