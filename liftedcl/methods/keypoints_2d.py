"""Supervised 2D keypoints: the control of HCMoCo, which consumes the same labels, on the same views of the same people.

The network is a joined map of the backbone's stages, as HCMoCo's dense embedding, with a channel for each joint. The
loss is the cross-entropy over the cells of each visible joint's Gaussian target. No such control is published.
"""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn

from liftedcl.engine import distributed
from liftedcl.engine.loop import Player
from liftedcl.engine.optimisers import encoder_player
from liftedcl.images.people_batches import PeopleBatch
from liftedcl.images.shard import Shard
from liftedcl.losses.masked_mean import masked_mean
from liftedcl.networks.encoder import Backbone
from liftedcl.networks.grouped_norm import group_batch_norms
from liftedcl.networks.joined_maps import STRIDE, JoinedMap, coarse_maps, grid_of
from liftedcl.recipes.encoder_recipe import EncoderRecipe
from liftedcl.skeletons.common_joints import COMMON_JOINTS
from liftedcl.views.people_views import PeopleViews


class Keypoints2D(nn.Module):
    """Backbone and one map a joint."""

    sections = ("training", "views", "people", "keypoints")

    def __init__(self, recipe: EncoderRecipe, backbone: Backbone, shard: Shard, skeletons: np.ndarray | None):
        super().__init__()
        self.backbone = group_batch_norms(backbone, 1, batch_size=recipe.training.batch_size)
        self.heads = nn.ModuleDict({"joints": JoinedMap(backbone, len(COMMON_JOINTS))})
        self._views, self._people, self._sigma = recipe.views, recipe.people, recipe.keypoints.sigma

    def players(self, recipe: EncoderRecipe, steps: int) -> dict[str, Player]:
        return encoder_player(self, recipe, steps)

    def losses(self, batch: PeopleBatch) -> Iterator[tuple[str, dict[str, Tensor]]]:
        view = PeopleViews(batch, self._views, self._people, next(self.parameters()).device)
        grid = grid_of(view.size)
        scores = self.heads["joints"](coarse_maps(self.backbone, view.images()), grid)
        targets = gaussians(distributed.mine(view.joints), grid, self._sigma)
        values = -(targets * scores.float().flatten(2).log_softmax(dim=2)).sum(dim=2)
        yield "encoder", {"keypoints": masked_mean(values, distributed.mine(view.visible))}


def gaussians(joints: Tensor, grid: tuple[int, int], sigma: float) -> Tensor:
    """Targets (B, J, cells) that sum to 1, around ``joints`` (B, J, 2), px of the view; ``sigma`` in cells."""
    x, y = ((joints + 0.5) / STRIDE - 0.5).unbind(dim=2)
    rows, columns = (torch.arange(length, device=joints.device) for length in grid)
    squares = (rows[:, None] - y[..., None, None]).square() + (columns - x[..., None, None]).square()
    return (-squares / (2.0 * sigma**2)).flatten(2).softmax(dim=2)
