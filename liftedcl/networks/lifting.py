"""The lifting network: features -> 3D skeleton (paper, section 3.3 and figure 4a)."""

from torch import Tensor, nn

from liftedcl.skeletons.skeleton import NUM_JOINTS

_SLOPE = 0.2


class ResidualBlock(nn.Module):
    """x -> LeakyReLU(x + Linear(LeakyReLU(Linear(x)))), width kept."""

    def __init__(self, width: int):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(width, width), nn.LeakyReLU(_SLOPE), nn.Linear(width, width))
        self.activation = nn.LeakyReLU(_SLOPE)

    def forward(self, x: Tensor) -> Tensor:
        return self.activation(x + self.layers(x))


class LiftingNetwork(nn.Module):
    """1x1 convolution and pooling, then fully connected residual blocks, then 3 coordinates for each of 17 joints."""

    def __init__(self, channels: int, *, hidden: int, blocks: int):
        super().__init__()
        self.reduce = nn.Conv2d(channels, hidden, kernel_size=1)
        self.activation = nn.LeakyReLU(_SLOPE)
        self.blocks = nn.Sequential(*(ResidualBlock(hidden) for _ in range(blocks)))
        self.joints = nn.Linear(hidden, 3 * NUM_JOINTS)

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, h, w) -> skeletons (B, 17, 3), root at 0, Frobenius norm 1, like the sampled ones.

        Departs from the released code, whose critic gets raw outputs and normalised real skeletons.
        """
        vector = self.activation(self.reduce(features).mean(dim=(2, 3)))
        return normalise_skeletons(self.joints(self.blocks(vector)).view(-1, NUM_JOINTS, 3))


def normalise_skeletons(joints: Tensor) -> Tensor:
    """Move the root joint of (B, 17, 3) to 0 and scale the Frobenius norm to 1 (paper, appendix B)."""
    centred = joints - joints[:, :1]
    return centred / centred.flatten(1).norm(dim=1).clamp_min(1e-8)[:, None, None]
