"""HCMoCo's losses against slow transcriptions of their equations; each corrected fault fails on what was published."""

import math

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from liftedcl.losses.bank_contrast import bank_contrast
from liftedcl.losses.dense_contrast import dense_contrast
from liftedcl.losses.joint_contrast import node_contrast, subject_contrast
from liftedcl.losses.masked_mean import masked_mean

TAU = 0.07


def units(*shape, seed=0):
    torch.manual_seed(seed)
    return F.normalize(torch.randn(*shape), dim=-1)


def cosine(a, b):
    a, b = a.double().numpy(), b.double().numpy()
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


def test_the_sample_level_loss_is_the_equation_without_the_sample_itself():
    queries, bank = units(4, 8), units(9, 8, seed=1)
    rows, drawn = torch.tensor([2, 5, 7, 0]), torch.tensor([5, 1, 1, 8, 2])
    own = rows[:, None] == drawn
    found = bank_contrast(queries, bank[rows], bank[drawn], own, TAU)
    for i in range(4):
        positive = math.exp(cosine(queries[i], bank[rows[i]]) / TAU)
        negatives = [math.exp(cosine(queries[i], bank[k]) / TAU) for k in drawn.tolist() if k != rows[i]]
        assert found[i].item() == pytest.approx(-math.log(positive / (positive + sum(negatives))), abs=1e-4)
    published = bank_contrast(queries, bank[rows], bank[drawn], torch.zeros_like(own), TAU)
    assert (published > found).tolist() == [True, True, False, False]  # 2 and 5 are among the drawn


def test_a_sample_without_other_negatives_than_itself_loses_nothing():
    queries = units(2, 4)
    assert bank_contrast(
        queries, units(2, 4, seed=1), units(3, 4, seed=2), torch.ones(2, 3, dtype=bool), TAU
    ).tolist() == [0, 0]


def test_the_dense_loss_is_the_equation_in_both_directions():
    depth, colour = torch.randn(2, 5, 6), 3 * torch.randn(2, 5, 6)
    places = torch.randint(0, 4, (2, 5, 2)).float()
    found = dense_contrast(depth, colour, places, TAU)
    for b in range(2):
        total = 0.0
        for one, other in ((depth[b], colour[b]), (colour[b], depth[b])):
            for j in range(5):
                s = [cosine(one[i], other[j]) / TAU for i in range(5)]
                near = [math.exp(-math.dist(places[b, i].tolist(), places[b, j].tolist())) for i in range(5)]
                normaliser = math.log(sum(map(math.exp, s)))
                total -= sum(q / sum(near) * (value - normaliser) for q, value in zip(near, s, strict=True)) / 5
        assert found[b].item() == pytest.approx(total, rel=1e-4)


def test_joints_find_their_nodes_by_the_equation():
    features, nodes = torch.randn(3, 4, 6), torch.randn(3, 4, 6)
    visible = torch.tensor([[1, 0, 1, 1], [0, 0, 0, 0], [0, 0, 0, 1]], dtype=bool)
    values = []
    for b, j in visible.nonzero().tolist():
        scores = [cosine(features[b, j], nodes[b, k]) / TAU for k in range(4)]
        values.append(math.log(sum(map(math.exp, scores))) - scores[j])
    assert masked_mean(node_contrast(features, nodes, TAU), visible).item() == pytest.approx(np.mean(values), rel=1e-4)


def slow_subject(features, joints, there):
    values = []
    for a in range(len(joints)):
        others = [k for k in range(len(joints)) if k != a and there[k]]
        positives = [k for k in others if joints[k] == joints[a]]
        if there[a] and positives:
            total = sum(math.exp(cosine(features[a], features[k]) / TAU) for k in others)
            values.append(np.mean([math.log(total) - cosine(features[a], features[k]) / TAU for k in positives]))
    return np.mean(values) if values else 0.0


def subject(features, joints, there):
    return masked_mean(*subject_contrast(features, features, 0, joints, there, TAU)).item()


@pytest.mark.parametrize("seen", [1.0, 0.6, 0.2])
def test_joints_of_other_people_are_contrasted_by_the_equation(seen):
    torch.manual_seed(3)
    features, joints, there = torch.randn(18, 5), torch.arange(6).repeat(3), torch.rand(18) < seen
    assert subject(features, joints, there) == pytest.approx(slow_subject(features, joints, there), rel=1e-4)
    parts = [subject_contrast(features[k : k + 9], features, k, joints, there, TAU) for k in (0, 9)]
    whole = subject_contrast(features, features, 0, joints, there, TAU)
    for split, together in zip(zip(*parts, strict=True), whole, strict=True):  # as two processes share it
        assert torch.allclose(torch.cat(split), together)


def test_one_joint_alone_and_no_joint_at_all_lose_nothing_and_keep_the_gradient_finite():
    for there in (torch.tensor([True, False, False]), torch.zeros(3, dtype=bool)):
        features = torch.randn(3, 5, requires_grad=True)
        loss = masked_mean(*subject_contrast(features, features, 0, torch.arange(3) % 2, there, TAU))
        loss.backward()
        assert loss.item() == 0 and features.grad.abs().sum() == 0


def published_subject(features, joints, there):
    """Invisible joints take part, each joint is its own negative, and what has no positive counts as 0."""
    features = F.normalize(features, dim=1)
    logits = features @ features.T / TAU
    positive = (joints[:, None] == joints) & ~torch.eye(len(joints), dtype=bool)
    return ((logits.logsumexp(dim=1, keepdim=True) - logits) * positive).sum(1) / positive.sum(1).clamp_min(1)


def test_invisible_joints_are_no_positives_and_nobody_is_their_own_negative():
    """Two people with one visible joint each, the same and with the same features: a perfect match."""
    joints, there = torch.tensor([0, 1, 0, 1]), torch.tensor([True, False, True, False])
    features = torch.stack([*units(2, 8), *units(2, 8)])
    assert subject(features, joints, there) == pytest.approx(0.0, abs=1e-6)  # one positive and no negative
    assert published_subject(features, joints, there).mean() > 0.6  # log 2: each one is its own negative
    other = features.clone()
    other[3] = -other[3]
    assert subject(other, joints, there) == subject(features, joints, there)
    assert published_subject(other, joints, there).mean() != published_subject(features, joints, there).mean()
