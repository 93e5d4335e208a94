"""Feature health: both numbers in closed form, and features that have collapsed."""

import math

import pytest
import torch

from liftedcl.monitor.feature_health import feature_health


def test_orthonormal_rows_are_healthy():
    rows = torch.linalg.qr(torch.randn(32, 8, generator=torch.Generator().manual_seed(0)))[0].T  # (8, 32)
    health = feature_health(3.0 * rows)
    assert health["mean_cosine"] == pytest.approx(0.0, abs=1e-6)
    assert health["rank"] == pytest.approx(8.0, rel=1e-5)


@pytest.mark.parametrize("row", [torch.rand(16) + 0.1, torch.zeros(16), -torch.ones(16), torch.full((16,), 1e30)])
def test_equal_rows_are_a_collapse(row):
    health = feature_health(row.expand(10, 16))
    assert health["mean_cosine"] == pytest.approx(1.0)
    assert health["rank"] == pytest.approx(1.0, abs=1e-4)


def test_the_length_of_a_feature_hides_no_collapse():
    health = feature_health(torch.rand(16) * torch.logspace(-3, 3, 20)[:, None])
    assert health["mean_cosine"] == pytest.approx(1.0)
    assert health["rank"] == pytest.approx(1.0, abs=1e-4)


def test_a_known_spectrum():
    generator = torch.Generator().manual_seed(1)
    left, right = (torch.linalg.qr(torch.randn(n, 4, generator=generator))[0] for n in (50, 20))
    spectrum = torch.tensor([4.0, 2.0, 1.0, 1.0])
    shares = [0.5, 0.25, 0.125, 0.125]
    expected = math.exp(-sum(share * math.log(share) for share in shares))
    assert feature_health(left @ spectrum.diag() @ right.T)["rank"] == pytest.approx(expected, rel=1e-5)


def test_the_cosine_is_the_mean_over_pairs_of_different_rows():
    features = torch.randn(12, 5, generator=torch.Generator().manual_seed(2)) + 0.5
    pairs = [torch.cosine_similarity(features[i], features[j], dim=0) for i in range(12) for j in range(12) if i != j]
    assert feature_health(features)["mean_cosine"] == pytest.approx(torch.stack(pairs).mean().item(), abs=1e-6)


def test_two_opposite_rows():
    assert feature_health(torch.tensor([[1.0, 0.0], [-2.0, 0.0]]))["mean_cosine"] == pytest.approx(-1.0)


@pytest.mark.parametrize("features", [torch.tensor([[1.0, 2.0], [math.inf, 1.0]]), torch.ones(1, 3)])
def test_what_has_no_health_does_not_stop_a_run(features):
    assert all(math.isnan(value) for value in feature_health(features).values())


def test_half_precision_and_gradients():
    features = torch.rand(6, 4).bfloat16().requires_grad_()
    assert 0 < feature_health(features)["mean_cosine"] <= 1
