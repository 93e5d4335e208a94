"""The flow against autograd and numerical integration."""

import itertools

import numpy as np
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


PUBLISHED_MASKS = {2: 3 * [[0, 1], [1, 0]], 3: 3 * [[0, 0, 1], [1, 1, 0]]}
"""The tensor ``mask`` of RLE's two flows."""


def published_tensors(dimension: int) -> dict[str, np.ndarray]:
    """Tensors with the names and shapes of the nets of RLE's published flows, and any numbers."""
    rng, shapes = np.random.default_rng(0), {0: (64, dimension), 2: (64, 64), 4: (dimension, 64)}
    tensors = {}
    for net, number, (layer, shape) in itertools.product("ts", range(6), shapes.items()):
        tensors[f"{net}.{number}.{layer}.weight"] = rng.normal(0, 0.3, shape)
        tensors[f"{net}.{number}.{layer}.bias"] = rng.normal(0, 0.3, shape[:1])
    return tensors


def log_density(x: np.ndarray, tensors: dict[str, np.ndarray], masks: list[list[int]]) -> float:
    """Of one point (D,): back through the layers, coordinate by coordinate, and the standard normal's at the end."""
    moved, shrunk = list(x), 0.0
    for number in reversed(range(6)):
        kept = [value if mask else 0.0 for value, mask in zip(moved, masks[number], strict=True)]
        nets = {}
        for net in "st":
            hidden = np.array(kept)
            for layer in (0, 2, 4):
                weight, bias = (tensors[f"{net}.{number}.{layer}.{part}"] for part in ("weight", "bias"))
                hidden = weight @ hidden + bias
                hidden = np.where(hidden > 0, hidden, 0.01 * hidden) if layer < 4 else hidden
            nets[net] = np.tanh(hidden) if net == "s" else hidden
        for d, mask in enumerate(masks[number]):
            if not mask:
                moved[d] = (moved[d] - nets["t"][d]) / np.exp(nets["s"][d])
                shrunk += nets["s"][d]
    return sum(-0.5 * value**2 - 0.5 * np.log(2 * np.pi) for value in moved) - shrunk


@pytest.mark.parametrize("dimension", [2, 3])
def test_published_weights_load_and_give_the_published_density(dimension):
    tensors = published_tensors(dimension)
    made = RealNVP(dimension, layers=6, hidden=64).double()
    names = {"s": "scales", "t": "shifts"}
    made.load_state_dict({f"{names[name[0]]}{name[1:]}": torch.from_numpy(value) for name, value in tensors.items()})
    assert made.masks.tolist() == PUBLISHED_MASKS[dimension]
    x = np.random.default_rng(1).normal(0, 2, (20, dimension))
    expected = [log_density(point, tensors, PUBLISHED_MASKS[dimension]) for point in x]
    np.testing.assert_allclose(made.log_prob(torch.from_numpy(x)).detach().numpy(), expected, rtol=1e-9)


def test_the_nets_start_as_linear_layers_do():
    """Weights and biases uniform within 1 / sqrt(inputs), so their deviation is that over sqrt(3)."""
    torch.manual_seed(0)
    made = RealNVP(3, layers=6, hidden=64)
    for nets, (layer, inputs) in itertools.product((made.scales, made.shifts), {0: 3, 2: 64, 4: 64}.items()):
        for part in ("weight", "bias"):
            values = torch.cat([getattr(net[layer], part).detach().flatten() for net in nets]) * inputs**0.5
            assert values.abs().max() <= 1.0001
            if len(values) > 300:
                assert float(values.std()) == pytest.approx(3**-0.5, rel=0.1)


def test_standard_normal_when_the_nets_are_silent():
    made, x = flow(3), torch.randn(10, 3, dtype=torch.double)
    for parameter in made.parameters():
        nn.init.zeros_(parameter)
    expected = torch.distributions.Normal(0, 1).log_prob(x).sum(1)
    torch.testing.assert_close(made.log_prob(x), expected)
