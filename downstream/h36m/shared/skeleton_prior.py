"""The 3D prior in fine-tuning: it keeps bones and joints of an estimated 3D pose in their ranges (paper, table 9).

Section 4.3 says: "we additionally train a lifting network to estimate 3D pose", and where bone lengths and joint angles
"are not within the reasonable range, an extra loss will be added". It gives neither the ranges nor the form and weights
of that loss. Here the network learns the true pose, the ranges are those that skeletons are sampled from (appendix B),
and the excess over them is squared.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from downstream.h36m.shared.skeleton_prior_recipe import SkeletonPriorRecipe
from liftedcl.networks.lifting import ResidualBlock
from liftedcl.skeletons.skeleton import BONE_LENGTHS_CM, BONES, JOINTS, NUM_JOINTS, PARENTS

SCALE_MM = 1000.0
"""The lifting network's unit is the metre, so that its outputs are of order 1."""
_SHORTEST_MM = 1.0
_SLOPE = 0.2


class SkeletonPrior(nn.Module):
    """A lifting network on the backbone's features (C = ``in_channels``), and the penalties on its estimate.

    The angle at a joint without a range in ``bends`` is free.
    """

    def __init__(self, in_channels: int, recipe: SkeletonPriorRecipe) -> None:
        super().__init__()
        self.weights = {"lifting": recipe.lifting, "bone_length": recipe.penalty, "joint_angle": recipe.penalty}
        self.layers = nn.Sequential(
            nn.Linear(in_channels, recipe.hidden),
            nn.LeakyReLU(_SLOPE),
            *(ResidualBlock(recipe.hidden) for _ in range(recipe.blocks)),
            nn.Linear(recipe.hidden, 3 * (NUM_JOINTS - 1)),
        )
        self.lengths = BoneLengthPenalty(recipe.length_ratio)
        self.angles = JointAnglePenalty(recipe.bends)

    def estimate(self, features: Tensor) -> Tensor:
        """(B, C, h, w) -> poses (B, 17, 3) in mm, root at 0, camera frame."""
        joints = self.layers(features.mean(dim=(2, 3))).view(-1, NUM_JOINTS - 1, 3).float()
        return F.pad(joints, (0, 0, 1, 0)) * SCALE_MM

    def forward(self, features: Tensor, posed: Tensor, poses: Tensor) -> dict[str, Tensor]:
        """Weighted loss terms, each a scalar, over those samples of a batch whose 3D pose is known.

        ``lifting`` is the mean absolute error of the estimated coordinates in metres; ``bone_length`` and
        ``joint_angle`` are the penalties below on the estimated poses. All are 0 for a batch without such samples.

        Args:
            features: (B, C, h, w).
            posed: the samples with a pose, (P,) int64.
            poses: their poses (P, 17, 3), as `estimate` gives them.
        """
        estimated = self.estimate(features)[posed]
        if len(posed) == 0:  # a mean over nothing is NaN
            return dict.fromkeys(self.weights, estimated.sum())
        terms = {
            "lifting": F.l1_loss(estimated[:, 1:], poses[:, 1:].float()) / SCALE_MM,
            "bone_length": self.lengths(estimated),
            "joint_angle": self.angles(estimated),
        }
        return {name: self.weights[name] * term for name, term in terms.items()}


class BoneLengthPenalty(nn.Module):
    """Mean square of how far log(length / template's) is outside log(``length_ratio``), after the best overall size.

    An image doesn't determine the size, so each pose is judged at its best size. The penalty is zero exactly where some
    size brings every bone into its range, as for every sampled skeleton.
    """

    def __init__(self, length_ratio: tuple[float, float]) -> None:
        super().__init__()
        self.low, self.high = (math.log(ratio) for ratio in length_ratio)
        template = torch.tensor([10 * BONE_LENGTHS_CM[joint] for joint in JOINTS[1:]])
        self.register_buffer("template", template.log(), persistent=False)

    def forward(self, poses: Tensor) -> Tensor:
        """Poses (B, 17, 3) in mm -> scalar."""
        ratios = _bones(poses).norm(dim=-1).clamp_min(_SHORTEST_MM).log() - self.template
        return _excess(ratios - self._best_size(ratios.detach()), self.low, self.high).square().mean()

    def _best_size(self, ratios: Tensor) -> Tensor:
        """Log sizes (B, 1) that minimise the squared excess of log ratios (B, 16).

        The sum of the signed excess is a falling, piecewise linear function of the log size, and its root is the
        minimum. It is linear between the 32 sizes at which a bone enters or leaves its range. The gradient need not go
        through the minimum (envelope theorem).
        """
        sizes = torch.cat([ratios - self.high, ratios - self.low], dim=1).sort(dim=1).values
        slopes = _excess(ratios[:, None] - sizes[:, :, None], self.low, self.high).sum(dim=2)
        before = ((slopes >= 0).sum(dim=1, keepdim=True) - 1).clamp_min(0)
        after = (slopes > 0).sum(dim=1, keepdim=True).clamp_max(sizes.shape[1] - 1)
        first, last = sizes.gather(1, before), sizes.gather(1, after)
        above, below = slopes.gather(1, before), -slopes.gather(1, after)
        span = above + below
        share = torch.where(span > 0, above / span.clamp_min(1e-12), 0.5)  # no excess at all: the middle of the sizes
        return first + share * (last - first)


class JointAnglePenalty(nn.Module):
    """Mean square, in radians, of how far the angles between bones and their parent bones are outside ``bends``."""

    def __init__(self, bends: dict[str, tuple[float, float]]) -> None:
        super().__init__()
        children = [JOINTS.index(joint) for joint in bends]
        limits = torch.tensor(list(bends.values())).view(-1, 2).deg2rad()
        self.register_buffer("bones", torch.tensor(children, dtype=torch.long) - 1, persistent=False)
        parents = torch.tensor([PARENTS[child] for child in children], dtype=torch.long) - 1
        self.register_buffer("parents", parents, persistent=False)
        self.register_buffer("low", limits[:, 0].clone(), persistent=False)
        self.register_buffer("high", limits[:, 1].clone(), persistent=False)

    def forward(self, poses: Tensor) -> Tensor:
        """Poses (B, 17, 3), any unit -> scalar."""
        if not len(self.bones):
            return poses.sum() * 0.0
        return _excess(self.angles_of(poses), self.low, self.high).square().mean()

    def angles_of(self, poses: Tensor) -> Tensor:
        """Angles (B, joints with a range) in radians; differentiable everywhere, unlike arccos at 0 and pi."""
        directions = F.normalize(_bones(poses), dim=-1, eps=1e-6)
        bones, parents = directions[:, self.bones], directions[:, self.parents]
        across = torch.linalg.cross(bones, parents).square().sum(dim=-1)
        return torch.atan2((across + 1e-12).sqrt(), (bones * parents).sum(dim=-1))


def _excess(values: Tensor, low: Tensor | float, high: Tensor | float) -> Tensor:
    """Signed distance of ``values`` to the range from ``low`` to ``high``; 0 inside."""
    return F.relu(values - high) - F.relu(low - values)


def _bones(poses: Tensor) -> Tensor:
    """(B, 17, 3) -> bone vectors (B, 16, 3), in the order of the child joint."""
    return poses[:, 1:] - torch.stack([poses[:, parent] for parent, _ in BONES], dim=1)
