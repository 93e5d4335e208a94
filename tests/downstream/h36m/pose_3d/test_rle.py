"""The regression head and the residual log-likelihood against a slow transcription of the formula."""

import math

import pytest
import torch
from torch import nn

from downstream.h36m.pose_3d.realnvp import RealNVP
from downstream.h36m.pose_3d.rle import RLERegressor, rle_loss


class Pass(nn.Module):
    """A backbone that hands its input on."""

    out_channels = 8

    def forward(self, images):
        return images


def sample(batch: int = 3, joints: int = 4):
    torch.manual_seed(0)
    flow = RealNVP(3, layers=6, hidden=8)
    for parameter in flow.parameters():
        nn.init.normal_(parameter, std=0.3)
    mu, target = torch.randn(2, batch, joints, 3)
    return mu, torch.rand(batch, joints, 3) + 0.1, target, torch.ones(batch, joints, 1), flow


def test_loss_equals_a_scalar_transcription():
    mu, sigma, target, weight, flow = sample()
    weight[1, 2] = 0
    total = 0.0
    for b in range(3):
        for j in range(4):
            residual = [(float(mu[b, j, d]) - float(target[b, j, d])) / float(sigma[b, j, d]) for d in range(3)]
            log_phi = float(flow.log_prob(torch.tensor([residual])).detach())
            for d in range(3):
                s, error = float(sigma[b, j, d]), abs(float(mu[b, j, d]) - float(target[b, j, d]))
                base = math.log(s * math.sqrt(2 * math.pi)) + error / (math.sqrt(2) * s)
                total += float(weight[b, j]) * (math.log(s) - log_phi + base)
    assert float(rle_loss(mu, sigma, target, weight, flow).detach()) == pytest.approx(total / 3, rel=1e-5)


def test_weightless_joints_give_no_gradient():
    mu, sigma, target, weight, flow = sample()
    mu.requires_grad_()
    weight[0, 1] = 0
    rle_loss(mu, sigma, target, weight, flow).backward()
    assert (mu.grad[0, 1] == 0).all() and (mu.grad[0, 0] != 0).all()


def test_loss_is_finite_for_tiny_deviations_and_far_residuals():
    mu, sigma, target, weight, flow = sample()
    assert rle_loss(mu, sigma, mu, weight, flow).isfinite()
    assert rle_loss(mu, sigma * 0 + 1e-4, target, weight, flow).isfinite()


def test_head_regresses_the_direction_of_the_pooled_feature():
    torch.manual_seed(1)
    model = RLERegressor(Pass(), joints=18, dimension=3, flow_layers=2, flow_hidden=4)
    nn.init.normal_(model.fc_coord.bias)
    images = torch.randn(2, 8, 4, 4)
    mu, sigma = model(images)
    assert mu.shape == sigma.shape == (2, 18, 3)
    assert (sigma > 0).all() and (sigma < 1).all()
    torch.testing.assert_close(model(images * 7)[0], mu)
    feature = images.mean((2, 3))
    expected = (feature @ model.fc_coord.weight.T) / feature.norm(dim=1, keepdim=True) + model.fc_coord.bias
    torch.testing.assert_close(mu, expected.view(2, 18, 3))
    assert model(images * 0)[0].isfinite().all()


def test_layers_start_near_0_and_their_biases_as_of_linear_layers():
    torch.manual_seed(0)
    model = RLERegressor(Pass(), joints=100, dimension=3, flow_layers=2, flow_hidden=4)
    for layer in (model.fc_coord, model.fc_sigma):
        assert layer.weight.abs().max() <= 0.01 * math.sqrt(6 / (8 + 300))
        biases = layer.bias.detach() * math.sqrt(8)  # uniform in [-1, 1]
        assert biases.abs().max() <= 1 and float(biases.std()) == pytest.approx(3**-0.5, rel=0.15)


def test_a_deviation_of_nearly_nothing_has_a_logarithm():
    model = RLERegressor(Pass(), joints=2, dimension=3, flow_layers=2, flow_hidden=4)
    nn.init.constant_(model.fc_sigma.bias, -500.0)
    assert model(torch.randn(2, 8, 4, 4))[1].log().isfinite().all()
