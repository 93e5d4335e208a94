"""Pose errors against closed forms and an independent solver."""

import numpy as np
import pytest
from scipy.linalg import orthogonal_procrustes
from scipy.spatial.transform import Rotation

from downstream import metrics


def poses(n: int, joints: int = 17, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 300, (n, joints, 3))


def test_a_shift_costs_its_length_and_nothing_after_alignment():
    truth = poses(5)
    assert metrics.mpjpe(truth, truth) == 0
    assert metrics.mpjpe(truth + np.array([3, 4, 12]), truth) == pytest.approx(13)
    assert metrics.pa_mpjpe(truth + np.array([3, 4, 12]), truth) == pytest.approx(0, abs=1e-9)


def test_one_wrong_joint_costs_its_share():
    truth = poses(4)
    predicted = truth.copy()
    predicted[1, 6, 2] += 68
    assert metrics.mpjpe(predicted, truth) == pytest.approx(68 / (4 * 17))
    assert metrics.joint_errors(predicted, truth)[1, 6] == pytest.approx(68)


def test_similarities_are_forgiven_and_reflections_are_not():
    truth, rng = poses(50), np.random.default_rng(1)
    rotation = Rotation.random(50, rng=rng).as_matrix()
    moved = rng.uniform(0.2, 5, (50, 1, 1)) * truth @ rotation + rng.normal(0, 1000, (50, 1, 3))
    assert metrics.pa_mpjpe(moved, truth) < 1e-9
    assert metrics.pa_mpjpe(moved * [-1, 1, 1], truth) > 50


def test_alignment_equals_an_independent_solver():
    """scipy's solver allows reflections: where it finds a rotation, both must agree; elsewhere ours is no better."""
    truth, predicted = poses(200, seed=2), poses(200, seed=3) * 0.7 + 40
    ours = metrics.procrustes_align(predicted, truth)
    compared = 0
    for mine, p, t in zip(ours, predicted, truth, strict=True):
        source, target = p - p.mean(0), t - t.mean(0)
        rotation, trace = orthogonal_procrustes(source, target)
        theirs = source @ rotation * trace / np.square(source).sum() + t.mean(0)
        if np.linalg.det(rotation) > 0:
            np.testing.assert_allclose(mine, theirs, atol=1e-8)
            compared += 1
        else:
            assert np.square(mine - t).sum() >= np.square(theirs - t).sum() - 1e-6
    assert 50 < compared < 150


def test_alignment_with_the_guard_is_the_best_rotation():
    """No nearby proper similarity is better, also where an unguarded solver would mirror."""
    truth = poses(20, seed=4)
    predicted = truth * [1, 1, -1] + poses(20, seed=5) * 0.1
    best = metrics.procrustes_align(predicted, truth)
    error = np.square(best - truth).sum((1, 2))
    rng = np.random.default_rng(6)
    for _ in range(30):
        turn = Rotation.from_rotvec(rng.normal(0, 0.05, (20, 3))).as_matrix()
        centre = best.mean(1, keepdims=True)
        other = (best - centre) @ turn * rng.uniform(0.95, 1.05) + centre
        assert (np.square(other - truth).sum((1, 2)) >= error - 1e-6).all()


def test_flat_and_collapsed_poses_stay_finite():
    truth = poses(2)
    flat = truth * [1, 1, 0]
    assert metrics.pa_mpjpe(flat @ Rotation.from_euler("z", 40, degrees=True).as_matrix(), flat) < 1e-9
    collapsed = np.ones_like(truth)
    np.testing.assert_allclose(metrics.procrustes_align(collapsed, truth), truth.mean(1, keepdims=True) + 0 * truth)


@pytest.mark.parametrize("bad", [np.zeros((0, 17, 3)), np.zeros((2, 17, 2)), np.full((2, 17, 3), np.nan)])
def test_nonsense_is_refused(bad):
    with pytest.raises(ValueError):
        metrics.mpjpe(bad, bad)
