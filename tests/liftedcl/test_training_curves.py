"""The figure of several trainings' histories."""

import os
import subprocess
import sys

import cv2
import numpy as np
import pytest
from repository import REPOSITORY

from liftedcl.engine.history import write_history
from liftedcl.identity.errors import InputError
from liftedcl.training_curves import main


def history(folder, *columns, epochs=5):
    folder.mkdir(parents=True)
    rows = [{"epoch": n, "step": 10 * n, **dict.fromkeys(columns, 1.0 / n)} for n in range(1, epochs + 1)]
    write_history(folder / "history.csv", rows)
    return str(folder / "history.csv")


def draw(path, *histories):
    main([*histories, "--out", str(path)])
    return cv2.imread(str(path))


def test_there_is_a_panel_a_column_and_a_colour_a_run(tmp_path):
    first = history(tmp_path / "a" / "seed0", "encoder/inv", "features/rank")
    second = history(tmp_path / "b" / "seed0", "encoder/ce", "features/rank", epochs=40)
    one, both = draw(tmp_path / "one.png", first), draw(tmp_path / "both.png", first, second)
    assert both.shape[1] == 3 * one.shape[1] // 2
    blue, orange = [0xB4, 0x77, 0x1F], [0x0E, 0x7F, 0xFF]  # the first two colours, BGR
    assert [np.all(picture == blue, axis=2).any() for picture in (one, both)] == [True, True]
    assert [np.all(picture == orange, axis=2).any() for picture in (one, both)] == [False, True]


def test_many_runs_and_columns_fit(tmp_path):
    files = [history(tmp_path / f"row{n}" / "seed0", f"encoder/{n % 7}", "features/rank") for n in range(23)]
    assert draw(tmp_path / "many.png", *files).shape[1] == 4 * 320


def test_a_history_of_one_epoch_is_visible(tmp_path):
    picture = draw(tmp_path / "one.png", history(tmp_path / "a" / "seed0", "encoder/inv", epochs=1))
    assert np.all(picture[:200] == [0xB4, 0x77, 0x1F], axis=2).any()


def test_wrong_histories_are_named(tmp_path):
    with pytest.raises(InputError, match=r"missing\.csv: not found"):
        draw(tmp_path / "x.png", str(tmp_path / "missing.csv"))
    with pytest.raises(InputError, match="no column beside epoch and step"):
        draw(tmp_path / "x.png", history(tmp_path / "a" / "seed0"))


def test_what_terminals_notebooks_and_clusters_leave_in_the_environment_changes_nothing(tmp_path):
    odd = {"MPLBACKEND": "nonsense", "DISPLAY": "", "LC_ALL": "POSIX", "COLUMNS": "1", "TERM": "dumb",
           "PYTHONOPTIMIZE": "2", "PYTHONWARNINGS": "error", "OMP_NUM_THREADS": "4,2"}  # fmt: skip
    path = history(tmp_path / "a" / "seed0", "encoder/inv")
    command = [sys.executable, "-m", "liftedcl.training_curves", path, "--out", str(tmp_path / "odd.png")]
    run = subprocess.run(command, cwd=REPOSITORY, env=os.environ | odd, capture_output=True, text=True)
    assert run.returncode == 0 and run.stderr == "", run.stderr
    np.testing.assert_array_equal(cv2.imread(str(tmp_path / "odd.png")), draw(tmp_path / "plain.png", path))
