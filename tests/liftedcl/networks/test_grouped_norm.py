"""Grouped batch norm against torch's own on each part. Over several processes: test_distributed.py."""

import pytest
import torch
from torch import nn

from liftedcl.identity.errors import InputError
from liftedcl.networks.encoder import build_backbone
from liftedcl.networks.grouped_norm import group_batch_norms


def test_grouped_statistics_are_those_of_each_part():
    torch.manual_seed(0)
    x = torch.randn(12, 5, 4, 4) * torch.arange(1, 13).view(12, 1, 1, 1)
    plain = nn.Sequential(nn.BatchNorm2d(5))
    state = {key: value.clone() for key, value in plain.state_dict().items()}
    grouped = group_batch_norms(nn.Sequential(nn.BatchNorm2d(5)), 3, batch_size=12)
    grouped.load_state_dict(state)
    norms = [nn.BatchNorm2d(5) for _ in range(3)]
    expected = torch.cat([norm(part) for norm, part in zip(norms, x.chunk(3), strict=True)])
    assert torch.allclose(grouped(x), expected, atol=1e-5)
    running = torch.stack([norm.running_mean for norm in norms]).mean(0)
    assert torch.allclose(grouped[0].running_mean, running, atol=1e-6)
    assert grouped.state_dict().keys() == state.keys()
    grouped.eval()
    plain.load_state_dict(grouped.state_dict())
    assert torch.allclose(grouped(x), plain.eval()(x))


def test_without_momentum_running_statistics_are_the_means_of_all_groups_of_all_steps():
    """As nn.BatchNorm2d's are of all steps: what torch's update_bn asks for. Of two groups of three, three times."""
    torch.manual_seed(0)
    batches = [torch.randn(6, 5, 4, 4) * (1 + n) + n for n in range(3)]
    grouped = group_batch_norms(nn.Sequential(nn.BatchNorm2d(5, momentum=None)), 2, batch_size=6)[0]
    grouped.running_mean.fill_(7.0)  # must not count
    for batch in batches:
        grouped(batch)
    groups = torch.stack([part.transpose(0, 1).flatten(1) for batch in batches for part in batch.split(3)])
    torch.testing.assert_close(grouped.running_mean, groups.mean(2).mean(0))
    torch.testing.assert_close(grouped.running_var, groups.var(2).mean(0))
    assert grouped.num_batches_tracked == 3


def test_one_group_is_the_whole_batch():
    torch.manual_seed(0)
    x = torch.randn(8, 5, 4, 4)
    assert torch.equal(group_batch_norms(nn.Sequential(nn.BatchNorm2d(5)), 1, batch_size=8)(x), nn.BatchNorm2d(5)(x))


def test_a_batch_that_does_not_split_is_an_input_error():
    with pytest.raises(InputError, match="does not divide"):
        group_batch_norms(nn.Sequential(nn.BatchNorm2d(5)), 5, batch_size=12)


def test_a_grouped_backbone_compiles_without_a_break():
    """What ``--compile`` relies on: one graph, forward and backward."""
    torch.manual_seed(0)
    backbone = group_batch_norms(build_backbone("resnet18_narrow"), 2, batch_size=4)
    images = torch.randn(4, 3, 32, 32)
    state = {key: value.clone() for key, value in backbone.state_dict().items()}
    plain = backbone(images)
    backbone.load_state_dict(state)
    compiled = torch.compile(backbone, backend="aot_eager", fullgraph=True)(images)
    assert torch.allclose(plain, compiled, atol=1e-5)
    compiled.square().mean().backward()
    assert all(parameter.grad is not None for parameter in backbone.parameters())
