"""MoCo-v2 (Chen et al. 2020): contrast against a queue of momentum keys. Also L_inv of LiftedCL, alone."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn

from liftedcl.batches import Batch
from liftedcl.encoder import Backbone
from liftedcl.encoder_recipe import EncoderRecipe
from liftedcl.engine import Player
from liftedcl.grouped_norm import group_batch_norms, shuffled
from liftedcl.infonce import info_nce
from liftedcl.momentum import follow, momentum_copy
from liftedcl.projectors import VectorProjector
from liftedcl.queue import KeyQueue
from liftedcl.schedule import cosine
from liftedcl.sgd import sgd_player
from liftedcl.shard import Shard
from liftedcl.views import random_views


class Method(nn.Module):
    """Query network and projector, their momentum copies, one queue."""

    def __init__(self, recipe: EncoderRecipe, backbone: Backbone, shard: Shard, skeletons: np.ndarray | None):
        super().__init__()
        contrast, batch_size = recipe.contrast, recipe.training.batch_size
        self.backbone = group_batch_norms(backbone, contrast.norm_groups, batch_size=batch_size)
        projector = VectorProjector(backbone.out_channels, hidden=contrast.hidden, dimension=contrast.dimension)
        self.heads = nn.ModuleDict({"invariant": projector})
        self.key = momentum_copy(nn.Sequential(self.backbone, projector))
        self.queue = KeyQueue(contrast.queue, contrast.dimension, batch_size=batch_size)
        self._views, self._contrast = recipe.views, contrast

    def players(self, recipe: EncoderRecipe, steps: int) -> dict[str, Player]:
        query = [*self.backbone.parameters(), *self.heads.parameters()]
        return {"encoder": sgd_player(query, recipe.training, cosine(recipe.training.learning_rate, steps=steps))}

    def losses(self, batch: Batch) -> Iterator[tuple[str, dict[str, Tensor]]]:
        images = batch.images.to(self.queue.keys.device)
        query_views, _ = random_views(images, self._views)
        key_views, _ = random_views(images, self._views)
        queries = self.heads["invariant"](self.backbone(query_views))
        with torch.no_grad():
            follow(self.key[0], self.backbone, self._contrast.key_momentum)
            follow(self.key[1], self.heads["invariant"], self._contrast.key_momentum)
            keys = shuffled(self.key, key_views)
        yield "encoder", {"inv": info_nce(queries, keys, self.queue.keys, self._contrast.temperature).mean()}
        self.queue.push(keys)
