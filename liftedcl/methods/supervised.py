"""Supervised classification, the classical stage I. Views are only cropped (the row's ``scale``) and flipped."""

import dataclasses
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from liftedcl.engine import distributed
from liftedcl.engine.loop import Player
from liftedcl.engine.optimisers import encoder_player
from liftedcl.identity.errors import InputError
from liftedcl.images.batches import Batch
from liftedcl.images.shard import Shard
from liftedcl.networks.encoder import Backbone
from liftedcl.networks.grouped_norm import group_batch_norms
from liftedcl.recipes.encoder_recipe import EncoderRecipe
from liftedcl.views.random_view import RandomView


class Supervised(nn.Module):
    """Backbone, pooling, linear classifier, cross-entropy."""

    sections = ("training", "views")
    labels: Tensor

    def __init__(self, recipe: EncoderRecipe, backbone: Backbone, shard: Shard, skeletons: np.ndarray | None):
        super().__init__()
        if "label" not in shard.index:
            raise InputError(f"{shard.path}: has no labels, which method supervised needs; set images: imagenet")
        labels = torch.tensor(shard.index["label"].to_numpy(np.int64))
        self.register_buffer("labels", labels, persistent=False)
        self.backbone = group_batch_norms(backbone, 1, batch_size=recipe.training.batch_size)
        self.heads = nn.ModuleDict({"classifier": nn.Linear(backbone.out_channels, int(labels.max()) + 1)})
        self._views = dataclasses.replace(recipe.views, jitter_probability=0.0, grey=0.0, blur_probability=0.0)

    def players(self, recipe: EncoderRecipe, steps: int) -> dict[str, Player]:
        return encoder_player(self, recipe, steps)

    def losses(self, batch: Batch) -> Iterator[tuple[str, dict[str, Tensor]]]:
        view = RandomView(batch, self._views, self.labels.device)
        scores = self.heads["classifier"](self.backbone(view.mine()).mean(dim=(2, 3)))
        labels = self.labels[distributed.mine(view.rows)]
        yield "encoder", {"cross_entropy": F.cross_entropy(scores, labels)}
