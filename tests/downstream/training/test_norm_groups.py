"""Batch norm of a fine-tuning: the statistics of the published number of samples, in backbone and head."""

import copy
import dataclasses

import pytest
import torch
from tiny.coco import RECIPE
from torch import nn

from downstream.heatmap_pose.simple_pose import SimplePose
from downstream.training.frozen import freeze
from downstream.training.norm_groups import group_norms
from liftedcl.networks.encoder import BACKBONES, build_backbone
from liftedcl.networks.grouped_norm import GroupedBatchNorm2d


def network(*, frozen=False):
    torch.manual_seed(0)
    backbone = build_backbone("resnet18_narrow")
    return SimplePose(freeze(backbone) if frozen else backbone, joints=3, deconvs=1, width=8)


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


@pytest.mark.parametrize("name", BACKBONES)
def test_no_batch_norm_of_any_backbone_is_left_out(name):
    backbone = build_backbone(name)
    group_norms(backbone, recipe(8, 4))
    norms = [part for part in backbone.modules() if "norm" in type(part).__name__.lower()]
    assert norms and {type(norm) for norm in norms} == {GroupedBatchNorm2d}


def test_a_frozen_encoder_keeps_its_statistics():
    module = network(frozen=True)
    before = copy.deepcopy(module.backbone.state_dict())
    group_norms(module, recipe(8, 4))
    assert [type(part) for part in module.head].count(GroupedBatchNorm2d) == 1
    assert not any(isinstance(part, nn.BatchNorm2d) for part in module.backbone.modules())
    module(torch.randn(8, 3, 64, 64))
    assert all(torch.equal(before[key], value) for key, value in module.backbone.state_dict().items())
