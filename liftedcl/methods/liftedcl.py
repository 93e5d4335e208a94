"""LiftedCL (ICLR 2023): invariant and equivariant contrast, and lifting to 3D skeletons that a critic can't tell apart.

L = w_inv L_inv + w_equiv L_equiv + w_adv L_adv (paper, section 3.1; all weights 0.5). A weight of 0 removes the loss,
its networks and its cost, which gives the rows of table 8.
"""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from liftedcl.align import align, shared_area
from liftedcl.batches import Batch
from liftedcl.critic import Critic, critic_loss, lifting_loss
from liftedcl.encoder import Backbone
from liftedcl.encoder_recipe import EncoderRecipe
from liftedcl.engine import Player
from liftedcl.errors import InputError
from liftedcl.grouped_norm import group_batch_norms, shuffled
from liftedcl.infonce import info_nce
from liftedcl.lifting import LiftingNetwork
from liftedcl.momentum import follow, momentum_copy
from liftedcl.projectors import MapProjector, VectorProjector
from liftedcl.queue import KeyQueue
from liftedcl.schedule import constant, cosine
from liftedcl.sgd import sgd_player
from liftedcl.shard import Shard
from liftedcl.views import Geometry, random_views


class Method(nn.Module):
    """Query network with two projectors and the lifting network; momentum copy, two queues; critic."""

    skeletons: Tensor

    def __init__(self, recipe: EncoderRecipe, backbone: Backbone, shard: Shard, skeletons: np.ndarray | None):
        super().__init__()
        self._views, self._contrast, self._lifting = recipe.views, recipe.contrast, recipe.lifting
        contrast, lifting, channels = recipe.contrast, recipe.lifting, backbone.out_channels
        batch_size = recipe.training.batch_size
        projector_sizes = {"hidden": contrast.hidden, "dimension": contrast.dimension}
        self.backbone = group_batch_norms(backbone, contrast.norm_groups, batch_size=batch_size)
        self.heads = nn.ModuleDict()
        self.queues = nn.ModuleDict()
        if lifting.inv > 0:
            self.heads["invariant"] = VectorProjector(channels, **projector_sizes)
        if lifting.equiv > 0:
            self.heads["equivariant"] = MapProjector(channels, **projector_sizes)
        for name in self.heads:
            self.queues[name] = KeyQueue(contrast.queue, contrast.dimension, batch_size=batch_size)
        self.key_backbone = momentum_copy(self.backbone) if self.queues else None
        self.key_heads = momentum_copy(self.heads)
        if lifting.adv > 0:
            if skeletons is None:
                raise InputError("--skeletons: missing; a loss weight lifting.adv above 0 needs sampled skeletons")
            self.heads["lifting"] = LiftingNetwork(channels, hidden=lifting.hidden, blocks=lifting.blocks)
            self.critic = Critic(hidden=lifting.critic_hidden, blocks=lifting.critic_blocks)
            self.register_buffer("skeletons", torch.from_numpy(skeletons), persistent=False)

    def players(self, recipe: EncoderRecipe, steps: int) -> dict[str, Player]:
        training = recipe.training
        query = [*self.backbone.parameters(), *self.heads.parameters()]
        players = {"encoder": sgd_player(query, training, cosine(training.learning_rate, steps=steps))}
        if recipe.lifting.adv > 0:
            rate = constant(recipe.lifting.critic_learning_rate)
            players["critic"] = sgd_player(self.critic.parameters(), training, rate)
        return players

    def losses(self, batch: Batch) -> Iterator[tuple[str, dict[str, Tensor]]]:
        images = batch.images.to(next(self.backbone.parameters()).device)
        query_views, query_geometry = random_views(images, self._views)
        features = self.backbone(query_views)
        terms, keys = {}, {}
        if self.queues:
            key_views, key_geometry = random_views(images, self._views)
            key_features = self._key_features(key_views)
            if "invariant" in self.queues:
                terms["inv"], keys["invariant"] = self._invariant(features, key_features)
            if "equivariant" in self.queues:
                terms["equiv"], keys["equivariant"] = self._equivariant(
                    features, key_features, query_geometry, key_geometry
                )
        if "lifting" not in self.heads:
            yield "encoder", terms
        else:
            fakes = self.heads["lifting"](features)
            self.critic.requires_grad_(False)  # the encoder's step neither moves the critic nor computes its gradients
            terms["adv"] = self._lifting.adv * lifting_loss(self.critic(fakes))
            self.critic.requires_grad_(True)
            yield "encoder", terms
            yield "critic", {"lsgan": critic_loss(self.critic(self._draw(len(fakes))), self.critic(fakes.detach()))}
        for name, new in keys.items():
            self.queues[name].push(new)

    @torch.no_grad()
    def _key_features(self, views: Tensor) -> Tensor:
        momentum = self._contrast.key_momentum
        follow(self.key_backbone, self.backbone, momentum)
        for name, head in self.key_heads.items():
            follow(head, self.heads[name], momentum)
        return shuffled(self.key_backbone, views)

    def _invariant(self, features: Tensor, key_features: Tensor) -> tuple[Tensor, Tensor]:
        """L_inv (paper, equation 2), weighted, and the keys (B, D) to queue."""
        with torch.no_grad():
            keys = self.key_heads["invariant"](key_features)
        queries = self.heads["invariant"](features)
        loss = info_nce(queries, keys, self.queues["invariant"].keys, self._contrast.temperature).mean()
        return self._lifting.inv * loss, keys

    def _equivariant(
        self, features: Tensor, key_features: Tensor, query_geometry: Geometry, key_geometry: Geometry
    ) -> tuple[Tensor, Tensor]:
        """L_equiv (paper, equation 3), weighted, and the pooled key vectors (B, D) to queue.

        Decided where the paper is silent: a pair of views that shares nothing (0.45% of them) is left out of the loss
        and of its mean, and queues the pooled map of its whole key view.
        """
        size = self._lifting.align_size
        area, overlap = shared_area(query_geometry, key_geometry)
        with torch.no_grad():
            key_map = self.key_heads["equivariant"](key_features)
            aligned = align(key_map, key_geometry, area, size)  # (B, D, S, S)
            whole = torch.where(overlap[:, None], aligned.mean(dim=(2, 3)), key_map.mean(dim=(2, 3)))
            pooled = F.normalize(whole, dim=1)
        queries = align(self.heads["equivariant"](features), query_geometry, area, size)
        loss = info_nce(
            _vectors(queries), _vectors(aligned), self.queues["equivariant"].keys, self._contrast.temperature
        )
        # where, not a product: the unused positions of a pair without overlap may hold anything
        loss = torch.where(overlap, loss.mean(dim=1), 0.0).sum() / overlap.sum().clamp_min(1)
        return self._lifting.equiv * loss, pooled

    def _draw(self, count: int) -> Tensor:
        """``count`` sampled skeletons (count, 17, 3), the real ones of the adversarial game."""
        return self.skeletons[torch.randint(len(self.skeletons), (count,), device=self.skeletons.device)]


def _vectors(maps: Tensor) -> Tensor:
    """(B, D, S, S) -> unit vectors (B, S*S, D)."""
    return F.normalize(maps.flatten(2).transpose(1, 2), dim=2)
