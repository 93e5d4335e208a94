"""The flow against autograd and numerical integration."""

import pytest
import torch
from torch import nn

from downstream.h36m.pose_3d.realnvp import RealNVP


def flow(dimension: int) -> RealNVP:
    """A flow far from the identity."""
    torch.manual_seed(0)
    made = RealNVP(dimension, layers=6, hidden=16).double()
    for parameter in made.parameters():
        nn.init.normal_(parameter, std=0.4)
    return made


@pytest.mark.parametrize("dimension", [2, 3])
def test_inverse_undoes_the_coupling_layers(dimension):
    made, z = flow(dimension), torch.randn(64, dimension, dtype=torch.double)
    x = z
    for mask, scale, shift in zip(made.masks, made.scales, made.shifts, strict=True):
        kept = mask * x
        x = kept + (1 - mask) * (x * torch.exp(scale(kept)) + shift(kept))
    assert (x - z).abs().max() > 0.5
    torch.testing.assert_close(made.inverse(x)[0], z)


@pytest.mark.parametrize("dimension", [2, 3])
def test_log_determinant_equals_autograd(dimension):
    made, x = flow(dimension), torch.randn(8, dimension, dtype=torch.double)
    jacobians = torch.stack(
        [torch.autograd.functional.jacobian(lambda row: made.inverse(row[None])[0][0], row) for row in x]
    )
    torch.testing.assert_close(made.inverse(x)[1], torch.linalg.slogdet(jacobians)[1])


def test_density_integrates_to_one():
    made = flow(2)
    for scale in made.scales:  # keep the mass inside the grid
        nn.init.normal_(scale[4].weight, std=0.05)
    axis = torch.linspace(-20, 20, 241, dtype=torch.double)
    with torch.no_grad():
        density = made.log_prob(torch.cartesian_prod(axis, axis)).exp()
    assert float(density.sum()) * float(axis[1] - axis[0]) ** 2 == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("dimension", [2, 3])
def test_it_starts_almost_linear_and_moves_every_coordinate(dimension):
    made = RealNVP(dimension, layers=6, hidden=64)
    log_determinant = made.inverse(torch.randn(100, dimension))[1]
    assert log_determinant.std() < 1e-2
    assert made.masks.sum(0).tolist() == [6 // dimension] * dimension
    assert made.masks.sum(1).tolist() == [1] * 6


def test_standard_normal_when_the_nets_are_silent():
    made, x = flow(3), torch.randn(10, 3, dtype=torch.double)
    for parameter in made.parameters():
        nn.init.zeros_(parameter)
    expected = torch.distributions.Normal(0, 1).log_prob(x).sum(1)
    torch.testing.assert_close(made.log_prob(x), expected)
