"""The frozen-encoder probe: same function, no gradient, batch norms that keep their statistics in training."""

import pytest
import torch

from downstream.training.frozen import freeze
from liftedcl.networks.encoder import build_backbone


@pytest.mark.parametrize("name", ["resnet18_narrow", "resnet50"])
def test_a_frozen_encoder_computes_what_it_computed_in_evaluation(name):
    torch.manual_seed(0)
    backbone = build_backbone(name)
    for module in backbone.modules():  # statistics that are not those of a fresh network
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2)
    images = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        expected = backbone.eval()(images)
    frozen = freeze(backbone).train()
    before = {key: value.clone() for key, value in frozen.state_dict().items()}
    features = frozen(images)
    assert not features.requires_grad
    assert (features - expected).abs().max() < 1e-4 * expected.abs().max()
    assert all(torch.equal(value, before[key]) for key, value in frozen.state_dict().items())


def test_layers_added_later_are_trained():
    head = torch.nn.Sequential(freeze(build_backbone("resnet18_narrow")), torch.nn.Conv2d(128, 4, 1))
    head(torch.randn(1, 3, 48, 48)).sum().backward()
    assert [name for name, parameter in head.named_parameters() if parameter.grad is not None] == ["1.weight", "1.bias"]
