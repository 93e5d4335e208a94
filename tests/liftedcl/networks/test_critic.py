"""The KCS layer against its definition, the critic's losses, the gauge of lifted skeletons."""

import numpy as np
import torch

from liftedcl.networks.critic import Critic, critic_loss, kcs, lifting_loss
from liftedcl.networks.lifting import LiftingNetwork, normalise_skeletons
from liftedcl.skeletons.skeleton import BONES, PARENTS, bone_matrix, flip_order


def test_kcs_is_the_gram_matrix_of_the_bones():
    joints = torch.randn(4, 17, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    psi = kcs(joints, torch.from_numpy(bone_matrix()).double())
    for sample in range(4):
        for a, (parent, child) in enumerate(BONES):
            first = joints[sample, child] - joints[sample, parent]
            assert torch.isclose(psi[sample, a, a], first.square().sum())
            for b, (other_parent, other_child) in enumerate(BONES):
                second = joints[sample, other_child] - joints[sample, other_parent]
                assert torch.isclose(psi[sample, a, b], first @ second)


def test_kcs_does_not_see_where_the_camera_stands():
    generator = torch.Generator().manual_seed(1)
    joints = torch.randn(8, 17, 3, generator=generator, dtype=torch.float64)
    rotation = torch.linalg.qr(torch.randn(3, 3, generator=generator, dtype=torch.float64))[0]
    matrix = torch.from_numpy(bone_matrix()).double()
    assert torch.allclose(kcs(joints @ rotation.T + 5.0, matrix), kcs(joints, matrix), atol=1e-10)


def test_the_bone_matrix_comes_from_the_tree():
    matrix = bone_matrix()
    assert matrix.shape == (17, 16)
    assert (matrix.sum(axis=0) == 0).all()
    assert (np.abs(matrix).sum(axis=0) == 2).all()
    assert all(PARENTS[child] == parent for parent, child in BONES)
    assert (flip_order()[flip_order()] == np.arange(17)).all()


def test_losses_have_their_minimum_where_they_should():
    ones, zeros = torch.ones(3), torch.zeros(3)
    assert critic_loss(ones, zeros) == 0
    assert critic_loss(zeros, ones) == 2
    assert lifting_loss(ones) == 0
    assert lifting_loss(zeros) == 1


def test_lifted_skeletons_have_the_gauge_of_sampled_ones():
    torch.manual_seed(0)
    network = LiftingNetwork(32, hidden=16, blocks=2)
    skeletons = network(torch.randn(5, 32, 8, 8))
    assert skeletons.shape == (5, 17, 3)
    assert (skeletons[:, 0] == 0).all()
    assert torch.allclose(skeletons.flatten(1).norm(dim=1), torch.ones(5), atol=1e-6)
    assert torch.allclose(normalise_skeletons(3.0 * skeletons + 1.0), skeletons, atol=1e-6)
    assert Critic(hidden=16, blocks=2)(skeletons).shape == (5,)
