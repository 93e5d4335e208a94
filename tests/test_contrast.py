"""InfoNCE, the queue, the momentum copy and grouped statistics, against closed forms and torch's own functions."""

import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from liftedcl.errors import InputError
from liftedcl.grouped_norm import group_batch_norms, shuffled
from liftedcl.infonce import info_nce
from liftedcl.momentum import follow, momentum_copy
from liftedcl.queue import KeyQueue


def test_identical_views_and_orthogonal_negatives():
    """-log(e^(1/t) / (e^(1/t) + K)) for K negatives orthogonal to the query."""
    query, negatives, temperature = torch.eye(8)[:1], torch.eye(8)[1:], 0.2
    expected = math.log(1.0 + 7.0 * math.exp(-1.0 / temperature))
    assert info_nce(query, query, negatives, temperature).item() == pytest.approx(expected, rel=1e-5)


def test_indistinguishable_positive_costs_log_of_the_candidates():
    same = torch.ones(5, 4) / 2.0
    loss = info_nce(same, same, torch.ones(31, 4) / 2.0, 0.2)
    assert loss.shape == (5,)
    assert torch.allclose(loss, torch.full((5,), math.log(32.0)))


def test_equals_cross_entropy_with_its_gradient():
    torch.manual_seed(0)
    query = F.normalize(torch.randn(6, 3, 16, dtype=torch.float64), dim=-1).requires_grad_()
    positive = F.normalize(torch.randn(6, 3, 16, dtype=torch.float64), dim=-1)
    negatives = F.normalize(torch.randn(50, 16, dtype=torch.float64), dim=-1)
    logits = torch.cat([(query * positive).sum(-1, keepdim=True), query @ negatives.T], dim=-1) / 0.2
    reference = F.cross_entropy(logits.flatten(0, 1), torch.zeros(18, dtype=torch.long))
    loss = info_nce(query, positive, negatives, 0.2).mean()
    assert loss.item() == pytest.approx(reference.item(), rel=1e-12)
    ours, theirs = (torch.autograd.grad(value, query, retain_graph=True)[0] for value in (loss, reference))
    assert torch.allclose(ours, theirs, rtol=1e-10, atol=1e-14)


def test_the_queue_forgets_the_oldest():
    queue = KeyQueue(6, 2, batch_size=2)
    for value in range(5):
        queue.push(torch.full((2, 2), float(value)))
    assert sorted(queue.keys[:, 0].tolist()) == [2.0, 2.0, 3.0, 3.0, 4.0, 4.0]
    with pytest.raises(InputError, match="multiple of the batch size"):
        KeyQueue(7, 2, batch_size=2)


def test_the_momentum_copy_follows_and_takes_no_gradient():
    query = nn.Linear(3, 3)
    key = momentum_copy(query)
    before = key.weight.clone()
    with torch.no_grad():
        query.weight.add_(1.0)
    follow(key, query, 0.9)
    assert torch.allclose(key.weight, 0.9 * before + 0.1 * query.weight)
    assert not any(parameter.requires_grad for parameter in key.parameters())


def test_grouped_statistics_are_those_of_each_part():
    torch.manual_seed(0)
    x = torch.randn(12, 5, 4, 4) * torch.arange(1, 13).view(12, 1, 1, 1)
    plain = nn.Sequential(nn.BatchNorm2d(5))
    state = {key: value.clone() for key, value in plain.state_dict().items()}
    grouped = group_batch_norms(nn.Sequential(nn.BatchNorm2d(5)), 3, batch_size=12)
    grouped.load_state_dict(state)
    expected = torch.empty_like(x)
    means = []
    for part in range(3):
        norm = nn.BatchNorm2d(5)
        expected[part::3] = norm(x[part::3])
        means.append(norm.running_mean)
    assert torch.allclose(grouped(x), expected, atol=1e-5)
    assert torch.allclose(grouped[0].running_mean, torch.stack(means).mean(0), atol=1e-6)
    assert grouped.state_dict().keys() == state.keys()
    grouped.eval()
    plain.load_state_dict(grouped.state_dict())
    assert torch.allclose(grouped(x), plain.eval()(x))
    with pytest.raises(InputError, match="does not divide"):
        group_batch_norms(nn.Sequential(nn.BatchNorm2d(5)), 5, batch_size=12)


def test_shuffled_keys_come_back_in_order():
    images = torch.arange(32.0).view(32, 1)
    assert torch.equal(shuffled(nn.Identity(), images), images)
