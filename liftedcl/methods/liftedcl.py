"""LiftedCL (ICLR 2023): invariant and equivariant contrast, and lifting to 3D skeletons that a critic can't tell apart.

L = w_inv L_inv + w_equiv L_equiv + w_adv L_adv (paper, section 3.1; all weights 0.5). A weight of 0 removes the loss
and its networks, as the rows of table 8 need.
"""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from liftedcl.engine import distributed
from liftedcl.engine.loop import Player
from liftedcl.engine.optimisers import encoder_player, player_beside
from liftedcl.engine.schedule import constant
from liftedcl.identity.errors import InputError
from liftedcl.images.batches import Batch
from liftedcl.images.shard import Shard
from liftedcl.losses.infonce import info_nce
from liftedcl.methods import lifts
from liftedcl.networks.critic import Critic, critic_loss, lifting_loss
from liftedcl.networks.encoder import Backbone, zero_last_norms
from liftedcl.networks.grouped_norm import group_batch_norms
from liftedcl.networks.keys import KeyEncoder
from liftedcl.networks.lifting import LiftingNetwork
from liftedcl.networks.projectors import MapProjector, VectorProjector, cell_vectors
from liftedcl.networks.queue import KeyQueue
from liftedcl.recipes.encoder_recipe import EncoderRecipe
from liftedcl.views.align import align, shared_area
from liftedcl.views.view_draw import Geometry
from liftedcl.views.view_pair import ViewPair


class LiftedCL(nn.Module):
    """Query network with two projectors and the lifting network, momentum copies, two queues, and the critic."""

    sections = ("training", "views", "contrast", "lifting")
    skeletons: Tensor

    def __init__(self, recipe: EncoderRecipe, backbone: Backbone, shard: Shard, skeletons: np.ndarray | None):
        super().__init__()
        self._views, self._contrast, self._lifting = recipe.views, recipe.contrast, recipe.lifting
        contrast, lifting, channels = recipe.contrast, recipe.lifting, backbone.out_channels
        batch_size = recipe.training.batch_size
        projector_sizes = {"hidden": contrast.hidden, "dimension": contrast.dimension}
        if recipe.start is None:
            zero_last_norms(backbone)
        self.backbone = group_batch_norms(backbone, contrast.norm_groups, batch_size=batch_size)
        self.heads = nn.ModuleDict()
        self.queues = nn.ModuleDict()
        if lifting.inv > 0:
            self.heads["invariant"] = VectorProjector(channels, **projector_sizes)
        if lifting.equiv > 0:
            self.heads["equivariant"] = MapProjector(channels, **projector_sizes)
        for name in self.heads:
            self.queues[name] = KeyQueue(contrast.queue, contrast.dimension, batch_size=batch_size)
        self.key = KeyEncoder(self.backbone, self.heads) if self.queues else None
        if lifts(recipe):
            if skeletons is None:
                raise InputError("--skeletons: missing; a loss weight lifting.adv above 0 needs sampled skeletons")
            self.heads["lifting"] = LiftingNetwork(channels, hidden=lifting.hidden, blocks=lifting.blocks)
            self.critic = Critic(hidden=lifting.critic_hidden, blocks=lifting.critic_blocks)
            self.register_buffer("skeletons", torch.from_numpy(skeletons), persistent=False)

    def players(self, recipe: EncoderRecipe, steps: int) -> dict[str, Player]:
        players = encoder_player(self, recipe, steps)
        if lifts(recipe):
            rate = constant(recipe.lifting.critic_learning_rate)
            players["critic"] = player_beside(self.critic, recipe, rate)
        return players

    def losses(self, batch: Batch) -> Iterator[tuple[str, dict[str, Tensor]]]:
        pair = ViewPair(batch, self._views, next(self.backbone.parameters()).device)
        views, geometry = pair.mine(pair.query)
        features = self.backbone(views)
        terms, new_keys = {}, {}
        if self.key is not None:
            self.key.follow(self.backbone, self.heads, self._contrast.key_momentum)
            keys = self.key.shuffled(pair, tuple(self.queues))
            if "invariant" in keys:
                terms["inv"], new_keys["invariant"] = self._invariant(features, keys["invariant"])
            if "equivariant" in keys:
                terms["equiv"], new_keys["equivariant"] = self._equivariant(
                    features, distributed.mine(keys["equivariant"]), geometry, pair.geometry(pair.key)
                )
        if "lifting" not in self.heads:
            yield "encoder", terms
        else:
            fakes = self.heads["lifting"](features)
            self.critic.requires_grad_(False)  # the encoder's step needs no gradients of the critic
            terms["adv"] = self._lifting.adv * lifting_loss(self.critic(fakes))
            self.critic.requires_grad_(True)
            yield "encoder", terms
            drawn = torch.randint(len(self.skeletons), (len(pair.images),), device=self.skeletons.device)
            reals = self.skeletons[distributed.mine(drawn)]
            yield "critic", {"lsgan": critic_loss(self.critic(reals), self.critic(fakes.detach()))}
        for name, new in new_keys.items():
            self.queues[name].push(new)

    def _invariant(self, features: Tensor, keys: Tensor) -> tuple[Tensor, Tensor]:
        """L_inv (paper, equation 2), weighted, and the keys (B, D) of the global batch to queue."""
        queries = self.heads["invariant"](features)
        loss = info_nce(queries, distributed.mine(keys), self.queues["invariant"].keys, self._contrast.temperature)
        return self._lifting.inv * loss.mean(), keys

    def _equivariant(
        self, features: Tensor, key_map: Tensor, query_geometry: Geometry, key_geometry: Geometry
    ) -> tuple[Tensor, Tensor]:
        """L_equiv (paper, equation 3), weighted, and the pooled key vectors (B, D) of the global batch to queue.

        Decided here, where the paper is silent: a pair of views without overlap (0.45% of them) is left out of the loss
        and its mean, and queues the pooled map of its whole key view.

        Departs from the released code, which queues the pooled map of the whole key view of every pair: the paper's
        negatives are of the aligned one.
        """
        size = self._lifting.align_size
        area, overlap = shared_area(query_geometry, key_geometry)
        aligned = align(key_map, key_geometry, area, size)  # (B, D, S, S)
        whole = torch.where(overlap[:, None], aligned.mean(dim=(2, 3)), key_map.mean(dim=(2, 3)))
        pooled = distributed.gathered(F.normalize(whole, dim=1))
        queries = align(self.heads["equivariant"](features), query_geometry, area, size)
        loss = info_nce(
            cell_vectors(queries), cell_vectors(aligned), self.queues["equivariant"].keys, self._contrast.temperature
        )
        # where, not a product: the values of a pair without overlap may be NaN or infinite
        loss = torch.where(overlap, loss.mean(dim=1), 0.0).sum()
        # Pairs per process, since gradients are averaged over the processes.
        pairs = distributed.total(overlap.sum()).clamp_min(1) / distributed.size()
        return self._lifting.equiv * loss / pairs, pooled
