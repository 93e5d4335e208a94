"""HCMoCo's losses against slow transcriptions of their equations."""

import pytest
import torch
from tiny.depth.hcmoco_equations import TAU, dense_loss, joint_loss, sample_loss, subject_loss
from torch.nn import functional as F

from liftedcl.losses.bank_contrast import bank_contrast
from liftedcl.losses.dense_contrast import dense_contrast
from liftedcl.losses.joint_contrast import node_contrast, subject_contrast
from liftedcl.losses.masked_mean import masked_mean


def units(*shape, seed=0):
    torch.manual_seed(seed)
    return F.normalize(torch.randn(*shape), dim=-1)


def test_the_sample_level_loss_is_the_equation_without_the_sample_itself():
    queries, bank = units(4, 8), units(9, 8, seed=1)
    rows, drawn = torch.tensor([2, 5, 7, 0]), torch.tensor([5, 1, 1, 8, 2])
    found = bank_contrast(queries, bank[rows], bank[drawn], rows[:, None] == drawn, TAU)
    for i, row in enumerate(rows.tolist()):
        assert found[i].item() == pytest.approx(sample_loss(queries[i], row, bank, drawn.tolist()), abs=1e-4)


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
        assert found[b].item() == pytest.approx(dense_loss(depth[b], colour[b], places[b]), rel=1e-4)


def test_joints_find_their_nodes_by_the_equation():
    features, nodes = torch.randn(3, 4, 6), torch.randn(3, 4, 6)
    visible = torch.tensor([[1, 0, 1, 1], [0, 0, 0, 0], [0, 0, 0, 1]], dtype=bool)
    found = masked_mean(node_contrast(features, nodes, TAU), visible)
    assert found.item() == pytest.approx(joint_loss(features, nodes, visible), rel=1e-4)


def subject(features, joints, there):
    return masked_mean(*subject_contrast(features, features, 0, joints, there, TAU)).item()


@pytest.mark.parametrize("seen", [1.0, 0.6, 0.2])
def test_joints_of_other_people_are_contrasted_by_the_equation(seen):
    torch.manual_seed(3)
    features, joints, there = torch.randn(18, 5), torch.arange(6).repeat(3), torch.rand(18) < seen
    assert subject(features, joints, there) == pytest.approx(subject_loss(features, joints, there), rel=1e-4)
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
