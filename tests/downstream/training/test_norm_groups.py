"""Batch norm of a fine-tuning: the statistics of the published number of samples, in backbone and head."""

import copy
import dataclasses

import pytest
import torch
from timm.layers import BatchNormAct2d
from tiny.coco import RECIPE
from torch import nn

from downstream.heatmap_pose.simple_pose import SimplePose
from downstream.training.frozen import freeze
from downstream.training.norm_groups import group_norms
from liftedcl.networks.encoder import build_backbone
from liftedcl.networks.grouped_norm import GroupedBatchNorm2d


def network(*, frozen=False):
    torch.manual_seed(0)
    backbone = build_backbone("resnet18_narrow")
    return SimplePose(freeze(backbone) if frozen else backbone, joints=3, size=(64, 64), stride=4, width=8)


def recipe(batch_size, norm_samples):
    return dataclasses.replace(RECIPE, batch_size=batch_size, norm_samples=norm_samples)


def test_each_group_is_normalised_as_if_it_were_the_batch():
    """Output and gradient of two groups of four are those of two batches of four, running statistics their mean."""
    images = torch.randn(8, 3, 64, 64) * torch.arange(1, 9).view(8, 1, 1, 1)
    grouped, halves = network(), [network(), network()]
    group_norms(grouped, recipe(8, 4))
    expected = torch.cat([half(part) for half, part in zip(halves, images.split(4), strict=True)])
    torch.testing.assert_close(grouped(images), expected)
    assert (network()(images) - expected).abs().max() > 1e-4  # of all eight it would be another
    grouped(images).square().sum().backward()
    expected.square().sum().backward()
    names = [name for name, _ in grouped.named_parameters()]
    for name in names:
        own, *theirs = (dict(part.named_parameters())[name].grad for part in (grouped, *halves))
        torch.testing.assert_close(own, sum(theirs), rtol=1e-3, atol=1e-5)
    grouped = network()
    group_norms(grouped, recipe(8, 4))
    grouped(images)
    for name, mean in grouped.named_buffers():
        if name.endswith("running_mean"):
            torch.testing.assert_close(mean, sum(half.get_buffer(name) for half in halves) / 2)


@pytest.mark.parametrize("norm_samples", [None, 8, 32])
def test_a_whole_batch_needs_no_groups(norm_samples):
    module = network()
    group_norms(module, recipe(8, norm_samples))
    norms = [part for part in module.modules() if isinstance(part, nn.BatchNorm2d)]
    assert norms and {type(norm) for norm in norms} == {nn.BatchNorm2d}


@pytest.mark.parametrize("name", ["resnet50", "resnet18_narrow", "hrnet_w32", "timm/efficientnet_b0"])
def test_no_batch_norm_of_any_backbone_is_left_out(name):
    backbone = build_backbone(name)
    group_norms(backbone, recipe(8, 4))
    norms = [part for part in backbone.modules() if isinstance(part, nn.modules.batchnorm._BatchNorm)]
    assert norms and all(isinstance(norm, GroupedBatchNorm2d) for norm in norms)


def test_a_norm_with_an_activation_keeps_it():
    """As it is in timm's EfficientNets: grouped or frozen, the activation follows the normalisation."""
    torch.manual_seed(0)
    x = torch.randn(8, 5, 6, 6)
    whole, halves = (nn.ModuleList([BatchNormAct2d(5, act_layer=nn.SiLU)]) for _ in range(2))
    group_norms(whole, recipe(8, 4))
    expected = torch.cat([halves[0](part) for part in x.split(4)])
    torch.testing.assert_close(whole[0](x), expected)
    frozen = copy.deepcopy(halves).eval()[0](x)
    torch.testing.assert_close(freeze(halves).train()[0](x), frozen)
    assert frozen.min() > -0.3  # SiLU's least value is -0.28


def test_a_frozen_encoder_keeps_its_statistics():
    module = network(frozen=True)
    before = copy.deepcopy(module.backbone.state_dict())
    group_norms(module, recipe(8, 4))
    assert [type(part) for part in module.head].count(GroupedBatchNorm2d) == 1
    assert not any(isinstance(part, nn.BatchNorm2d) for part in module.backbone.modules())
    module(torch.randn(8, 3, 64, 64))
    assert all(torch.equal(before[key], value) for key, value in module.backbone.state_dict().items())
