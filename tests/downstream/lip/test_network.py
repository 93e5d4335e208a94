"""The parsing network: dilation of the encoder, shapes, gradients."""

import dataclasses

import pytest
import torch
from tiny.lip import RECIPE
from torch import nn

from downstream.lip.feature_pyramid import FeaturePyramid
from downstream.lip.parsing_network import ParsingNetwork, dilated
from downstream.training.frozen import freeze
from liftedcl.identity.errors import InputError
from liftedcl.networks.encoder import build_backbone
from liftedcl.networks.stages import Stage


@pytest.mark.parametrize("name", ["resnet50", "resnet18"])
def test_dilation_gives_stride_16_and_keeps_the_weights(name):
    before = build_backbone(name)
    state = {key: value.clone() for key, value in before.state_dict().items()}
    after = dilated(before)
    assert after.stride == 16
    assert list(after.state_dict()) == list(state)
    assert all(torch.equal(value, state[key]) for key, value in after.state_dict().items())
    with torch.inference_mode():
        assert after.eval()(torch.zeros(1, 3, 97, 65)).shape == (1, after.out_channels, 7, 5)
    spatial = [m for m in after.layer4.modules() if isinstance(m, nn.Conv2d) and m.kernel_size == (3, 3)]
    assert len(spatial) == {"resnet50": 3, "resnet18": 4}[name]
    assert all(m.dilation == (2, 2) and m.stride == (1, 1) for m in spatial)


def test_a_finer_backbone_keeps_its_stride():
    backbone = dilated(build_backbone("resnet18_narrow"))
    assert backbone.stride == 8
    assert all(m.dilation == (1, 1) for m in backbone.modules() if isinstance(m, nn.Conv2d))


def test_a_backbone_with_too_few_stages_is_refused():
    backbone = build_backbone("resnet18_narrow")
    backbone.map_stages = backbone.map_stages[1:]
    with pytest.raises(InputError, match=r"needs 4 stages, and this backbone has 3"):
        ParsingNetwork(backbone, RECIPE, classes=20)


@pytest.mark.parametrize(("stride", "cells"), [(16, [4, 2, 1, 1]), (8, [2, 1, 1, 1]), (14, [4, 2, 1, 1])])
def test_a_pyramid_has_the_strides_of_the_dilated_resnet(stride, cells):
    pyramid = FeaturePyramid(Stage(32, stride), strides=(4, 8, 16, 16), width=12)
    maps = pyramid(torch.randn(2, 32, 5, 3))
    assert [tuple(x.shape) for x in maps] == [(2, 12, 5 * n, 3 * n) for n in cells]
    for x in maps:  # it ends with a layer norm over the channels
        torch.testing.assert_close(x.mean(dim=1), torch.zeros_like(x[:, 0]), atol=1e-5, rtol=0)
    names = [type(layer).__name__ for layer in pyramid.levels[0]]
    between = ["LayerNorm2d", "GELU", "ConvTranspose2d"]
    assert names == ["ConvTranspose2d", *(between if cells[0] == 4 else []), *2 * ["Conv2d", "LayerNorm2d"]]


@pytest.mark.parametrize("probe", [False, True])
def test_a_plain_transformer_is_parsed_through_the_pyramid(probe):
    """Sides that aren't multiples of its patches included; every parameter that isn't frozen is trained."""
    backbone = build_backbone("vit_narrow")
    network = ParsingNetwork(freeze(backbone) if probe else backbone, RECIPE, classes=20)
    logits = network(torch.rand(2, 3, 65, 49))  # 9x7 patches of 8 px, doubled
    assert logits.parsing.shape == logits.fused.shape == (2, 20, 18, 14) and logits.edges.shape == (2, 2, 18, 14)
    assert logits.resized((65, 49)).fused.shape == (2, 20, 65, 49)
    sum(part.square().sum() for part in logits).backward()
    for name, parameter in network.named_parameters():
        assert (parameter.grad is None) == (probe and name.startswith("backbone.")), name


@pytest.mark.parametrize("probe", [False, True])
def test_logits_and_gradients(probe):
    backbone = build_backbone("resnet18_narrow")
    network = ParsingNetwork(freeze(backbone) if probe else backbone, RECIPE, classes=20)
    logits = network(torch.rand(2, 3, 65, 49))
    assert logits.parsing.shape == logits.fused.shape == (2, 20, 17, 13) and logits.edges.shape == (2, 2, 17, 13)
    resized = logits.resized((65, 49))
    assert resized.fused.shape == (2, 20, 65, 49)
    # Corners stay corners: cell (i, j) is what pixel (4 i, 4 j) gets.
    torch.testing.assert_close(resized.fused[:, :, ::4, ::4], logits.fused, atol=1e-5, rtol=1e-4)
    sum(part.square().sum() for part in logits).backward()
    for name, parameter in network.named_parameters():
        frozen = probe and name.startswith("backbone.")
        assert (parameter.grad is None) == frozen, name
        assert frozen or parameter.grad.abs().max() > 0, name


def test_widths_of_the_paper():
    recipe = dataclasses.replace(RECIPE, pyramid_width=512, width=256, detail_width=48)
    with torch.device("meta"):
        network = ParsingNetwork(build_backbone("resnet50"), recipe, classes=20)
    assert network.pyramid.bottleneck[0].weight.shape == (512, 2048 + 4 * 512, 3, 3)
    assert network.decoder.merge[0][0].weight.shape == (256, 256 + 48, 1, 1)
    assert network.fuse[0][0].weight.shape == (256, 1024, 1, 1)
    assert [m[0].in_channels for m in network.edge_branch.narrow] == [256, 512, 1024]
