"""The critic, its kinematic chain space layer and its losses (paper, section 3.3)."""

import torch
from torch import Tensor, nn

from liftedcl.networks.lifting import ResidualBlock
from liftedcl.skeletons.skeleton import BONES, NUM_JOINTS, bone_matrix

_SLOPE = 0.2


def kcs(joints: Tensor, matrix: Tensor) -> Tensor:
    """The KCS matrix Psi = B^T B with B = X C (paper, equations 5-7), of joints (B, J, 3) and C (J, b).

    (B, b, b): squared bone lengths on the diagonal, inner products of bones elsewhere.
    """
    bones = joints.transpose(1, 2) @ matrix  # (B, 3, b)
    return bones.transpose(1, 2) @ bones


class Critic(nn.Module):
    """Joins a branch for the pose and one for its KCS matrix: (B, 17, 3) -> scores (B,).

    Departs from the released code, whose matrix is of 15 bones, one of them from the left ankle to the belly, none to
    the head. Here it is of the 16 bones of the tree: the paper's are all bones.
    """

    bone_matrix: Tensor

    def __init__(self, *, hidden: int, blocks: int):
        super().__init__()
        self.register_buffer("bone_matrix", torch.from_numpy(bone_matrix()), persistent=False)
        self.pose = self._branch(3 * NUM_JOINTS, hidden, blocks)
        self.chain = self._branch(len(BONES) ** 2, hidden, blocks)
        self.score = nn.Sequential(nn.Linear(2 * hidden, 128), nn.LeakyReLU(_SLOPE), nn.Linear(128, 1))

    @staticmethod
    def _branch(inputs: int, hidden: int, blocks: int) -> nn.Sequential:
        first = (nn.Linear(inputs, hidden), nn.LeakyReLU(_SLOPE))
        return nn.Sequential(*first, *(ResidualBlock(hidden) for _ in range(blocks)))

    def forward(self, joints: Tensor) -> Tensor:
        chain = self.chain(kcs(joints, self.bone_matrix).flatten(1))
        return self.score(torch.cat([self.pose(joints.flatten(1)), chain], dim=1)).squeeze(1)


def critic_loss(real: Tensor, fake: Tensor) -> Tensor:
    """LSGAN, the critic's side: real scores towards 1, fake ones towards 0.

    The paper swaps the labels in its one formula for both sides; its code trains with these.
    """
    return (real - 1.0).square().mean() + fake.square().mean()


def lifting_loss(fake: Tensor) -> Tensor:
    """LSGAN, the encoder's side (L_adv): fake scores towards 1."""
    return (fake - 1.0).square().mean()
