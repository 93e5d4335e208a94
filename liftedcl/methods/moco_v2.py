"""MoCo-v2 (Chen et al. 2020): contrast with a queue of momentum keys. It equals LiftedCL with L_inv alone."""

from collections.abc import Iterator

import numpy as np
from torch import Tensor, nn

from liftedcl.engine import distributed
from liftedcl.engine.loop import Player
from liftedcl.engine.optimisers import encoder_player
from liftedcl.images.batches import Batch
from liftedcl.images.shard import Shard
from liftedcl.losses.infonce import info_nce
from liftedcl.networks.encoder import Backbone
from liftedcl.networks.grouped_norm import group_batch_norms
from liftedcl.networks.keys import KeyEncoder
from liftedcl.networks.projectors import VectorProjector
from liftedcl.networks.queue import KeyQueue
from liftedcl.recipes.encoder_recipe import EncoderRecipe
from liftedcl.views.view_pair import ViewPair


class MoCoV2(nn.Module):
    """Query network and projector, their momentum copies, one queue."""

    sections = ("training", "views", "contrast")

    def __init__(self, recipe: EncoderRecipe, backbone: Backbone, shard: Shard, skeletons: np.ndarray | None):
        super().__init__()
        contrast, batch_size = recipe.contrast, recipe.training.batch_size
        self.backbone = group_batch_norms(backbone, contrast.norm_groups, batch_size=batch_size)
        projector = VectorProjector(backbone.out_channels, hidden=contrast.hidden, dimension=contrast.dimension)
        self.heads = nn.ModuleDict({"invariant": projector})
        self.key = KeyEncoder(self.backbone, self.heads)
        self.queue = KeyQueue(contrast.queue, contrast.dimension, batch_size=batch_size)
        self._views, self._contrast = recipe.views, contrast

    def players(self, recipe: EncoderRecipe, steps: int) -> dict[str, Player]:
        return encoder_player(self, recipe, steps)

    def losses(self, batch: Batch) -> Iterator[tuple[str, dict[str, Tensor]]]:
        pair = ViewPair(batch, self._views, self.queue.keys.device)
        views, _ = pair.mine(pair.query)
        queries = self.heads["invariant"](self.backbone(views))
        self.key.follow(self.backbone, self.heads, self._contrast.key_momentum)
        keys = self.key.shuffled(pair, ("invariant",))["invariant"]
        loss = info_nce(queries, distributed.mine(keys), self.queue.keys, self._contrast.temperature).mean()
        yield "encoder", {"inv": loss}
        self.queue.push(keys)
