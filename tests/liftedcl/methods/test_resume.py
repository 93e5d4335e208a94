"""Every method goes on, after a stop at any step, to bitwise the same encoder: queues, copies, critic, optimisers."""

import numpy as np
import pytest
from tiny.pretraining import METHODS, ROWS

from liftedcl.checks.method_checks import check_resume, noise_in, small, trained


def recipe_of(method):
    return small(next(recipe for recipe in ROWS.values() if recipe.method == method), batch_size=4)


@pytest.mark.parametrize("method", METHODS)
def test_a_stopped_run_ends_in_the_same_bits(method, tmp_path, capsys):
    check_resume(recipe_of(method), tmp_path, stops=(2, 4))
    assert capsys.readouterr().out.count("going on from step") == 2
    assert b"features/rank" in (tmp_path / "whole/history.csv").read_bytes()


def test_lifted_skeletons_are_kept_for_every_epoch(tmp_path):
    task = trained(recipe_of("liftedcl"), noise_in(tmp_path), tmp_path / "run")
    history = task.monitor.history()
    assert history.epochs.tolist() == [0, 1, 2]
    assert history.skeletons.shape == (3, len(history.rows), 17, 3)
    assert np.allclose(np.linalg.norm(history.skeletons.reshape(3, len(history.rows), -1), axis=2), 1, atol=1e-5)
    assert not np.allclose(history.skeletons[0], history.skeletons[2])
