"""HCMoCo (Hong et al., CVPR 2022): contrast between colour, depth and the skeleton of the labelled joints.

Sample level: a vector of each modality against the memory banks of the others. Dense intra-sample: points of the colour
and the depth map of one view. Sparse structure-aware: joints of both maps against the nodes of the graph network, and
against the same joints of other people. Stage 1 is a row with the first alone, stage 2 one with all four that
``continues`` from it. docs/hcmoco.md names the faults of the published code that are corrected here.

Departures: negatives are drawn once for a batch, not for each sample; the rate falls to 0 and not to a thousandth; a
ResNet's four stages, or those of any backbone, stand for HRNet's four resolutions.
"""

import copy
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from liftedcl.engine import distributed
from liftedcl.engine.loop import Player
from liftedcl.engine.optimisers import encoder_player
from liftedcl.identity.errors import InputError
from liftedcl.images.modalities import open_modalities
from liftedcl.images.people_batches import PeopleBatch
from liftedcl.images.shard import Shard
from liftedcl.losses.bank_contrast import bank_contrast
from liftedcl.losses.dense_contrast import dense_contrast
from liftedcl.losses.joint_contrast import node_contrast, subject_contrast
from liftedcl.losses.masked_mean import masked_mean
from liftedcl.methods.parts.depth_points import draw_points
from liftedcl.networks.encoder import Backbone, build_backbone, load_state, load_strictly, save_encoder
from liftedcl.networks.grouped_norm import group_batch_norms
from liftedcl.networks.joined_maps import JoinedMap, PooledVector, cells_of, coarse_maps, features_at, grid_of
from liftedcl.networks.memory_banks import MemoryBanks
from liftedcl.networks.skeleton_graph import SkeletonGraph
from liftedcl.recipes.encoder_recipe import EncoderRecipe
from liftedcl.skeletons.common_joints import COMMON_PARENTS
from liftedcl.views.people_views import PeopleViews

RGB, DEPTH, SKELETON = "rgb", "depth", "skeleton"


class HCMoCo(nn.Module):
    """Colour encoder, and as heads the depth encoder, the graph network, the embeddings and the memory banks."""

    sections = ("training", "views", "people", "multimodal")

    def __init__(self, recipe: EncoderRecipe, backbone: Backbone, shard: Shard, skeletons: np.ndarray | None):
        super().__init__()
        options = self._options = recipe.multimodal
        self._views, self._people, self._backbone_name = recipe.views, recipe.people, recipe.backbone
        heads = {}
        encoders = {RGB: backbone}
        if options.depth:
            other = options.depth_backbone
            encoders[DEPTH] = heads[DEPTH] = build_backbone(other) if other else copy.deepcopy(backbone)
        self._visual = tuple(encoders)
        self._mapped = options.dense + options.joint + options.subject > 0
        for name, encoder in encoders.items():
            if options.sample:
                heads[f"{name}_vector"] = PooledVector(encoder, options.dimension)
            if self._mapped:
                heads[f"{name}_map"] = JoinedMap(encoder, options.dimension)
        if options.sample or options.joint:
            graph = {"hidden": options.hidden, "blocks": options.blocks, "dimension": options.dimension}
            heads["graph"] = SkeletonGraph(COMMON_PARENTS, **graph)
        if options.sample:
            heads["skeleton_vector"] = nn.Linear(options.dimension, options.dimension)
            heads["banks"] = MemoryBanks(self._available(shard), options.dimension, options.bank_momentum)
        self.backbone, self.heads = backbone, nn.ModuleDict(heads)
        for network in (self.backbone, self.heads):
            group_batch_norms(network, options.norm_groups, batch_size=recipe.training.batch_size)

    def _available(self, shard: Shard) -> dict[str, Tensor]:
        """Modality -> which images have it, (N,) bool."""
        found = open_modalities(shard)
        has = {RGB: torch.ones(len(shard), dtype=torch.bool), DEPTH: torch.from_numpy(found.has_depth)}
        has[SKELETON] = torch.from_numpy(found.labelled.sum(axis=1) >= 2)
        has = {name: has[name] for name in (*self._visual, SKELETON)}
        if lacking := [name for name, there in has.items() if not there.any()]:
            raise InputError(f"{shard.path}: no image has a {lacking[0]}; pack the images again from whole data")
        return has

    def players(self, recipe: EncoderRecipe, steps: int) -> dict[str, Player]:
        return encoder_player(self, recipe, steps)

    def continue_from(self, heads: Path) -> None:
        """Take over the networks and memory banks of a run of this method; maps that it didn't train stay random.

        Raises:
            InputError: the file is missing or damaged, or of other networks or another number of images.
        """
        state, own = load_state(heads), self.heads.state_dict()
        new = {key: own[key] for key in own if key.split(".")[0].endswith("_map") and key not in state}
        remedy = "multimodal.continues needs a row of method hcmoco on the same images, with the same modalities"
        load_strictly(self.heads, {**state, **new}, heads, "the heads of such a hcmoco", remedy)

    def losses(self, batch: PeopleBatch) -> Iterator[tuple[str, dict[str, Tensor]]]:
        options = self._options
        view = PeopleViews(batch, self._views, self._people, next(self.parameters()).device)
        has = {RGB: torch.ones_like(view.has_skeleton), DEPTH: view.has_depth, SKELETON: view.has_skeleton}
        maps = {RGB: coarse_maps(self.backbone, view.images())}
        if options.depth:
            maps[DEPTH] = coarse_maps(self.heads[DEPTH], view.depth())
        nodes = self.heads["graph"](distributed.mine(view.skeletons)) if "graph" in self.heads else None
        terms, vectors = {}, {}
        if options.sample:
            vectors = {name: self.heads[f"{name}_vector"](maps[name]) for name in self._visual}
            vectors[SKELETON] = F.normalize(self.heads["skeleton_vector"](nodes.mean(dim=1)), dim=1)
            terms["sample"] = options.sample * self._sample(vectors, view.rows, has)
        if self._mapped:
            terms |= self._map_terms(maps, nodes, view, has)
        yield "encoder", terms
        for name, own in vectors.items():
            self.heads["banks"].update(name, view.rows, distributed.gathered(own), has[name])

    def _sample(self, vectors: dict[str, Tensor], rows: Tensor, has: dict[str, Tensor]) -> Tensor:
        """The sum over all ordered pairs of modalities, each a mean over the samples that have both."""
        banks, loss = self.heads["banks"], 0.0
        mine = distributed.mine(rows)
        for other in vectors:
            drawn = banks.draw(other, self._options.negatives)
            positives, negatives, own = banks.entries(other, mine), banks.entries(other, drawn), mine[:, None] == drawn
            for name, queries in vectors.items():
                if name != other:
                    both = distributed.mine(has[name]) & banks.has(other, mine)
                    values = bank_contrast(queries, positives, negatives, own, self._options.temperature)
                    loss = loss + masked_mean(values, both)
        return loss

    def _map_terms(
        self, maps: dict[str, list[Tensor]], nodes: Tensor | None, view: PeopleViews, has: dict[str, Tensor]
    ) -> dict[str, Tensor]:
        options, grid = self._options, grid_of(view.size)
        joined = {name: self.heads[f"{name}_map"](maps[name], grid) for name in self._visual}
        terms = {}
        if options.dense:
            cells, places = draw_points(view.measured, grid, options.points)
            points = (features_at(joined[name], distributed.mine(cells)) for name in (RGB, DEPTH))
            values = dense_contrast(*points, distributed.mine(places), options.temperature)
            terms["dense"] = options.dense * masked_mean(values, distributed.mine(has[DEPTH]))
        cells = cells_of(view.joints, view.size)
        features = torch.stack([features_at(joined[name], distributed.mine(cells)) for name in self._visual], dim=1)
        there = torch.stack([view.visible & has[name][:, None] for name in self._visual], dim=1)  # (B, M, J)
        if options.joint:
            values = [node_contrast(features[:, m], nodes, options.temperature) for m in range(len(self._visual))]
            known = distributed.mine(there & view.has_skeleton[:, None, None]).unbind(dim=1)
            means = [masked_mean(*pair) for pair in zip(values, known, strict=True)]
            terms["joint"] = options.joint * sum(means)
        if options.subject:
            terms["subject"] = options.subject * self._subject(features, there)
        return terms

    def _subject(self, features: Tensor, there: Tensor) -> Tensor:
        """``features`` (B/W, M, J, D) of this process, ``there`` (B, M, J) of all."""
        anchors, others = features.flatten(0, 2), distributed.joined_rows(features).flatten(0, 2)
        joints = torch.arange(there.shape[2], device=there.device).expand(there.shape).flatten()
        first = distributed.rank() * len(anchors)
        return masked_mean(
            *subject_contrast(anchors, others, first, joints, there.flatten(), self._options.temperature)
        )

    def write_observed(self, out: Path) -> None:
        """depth_encoder.pt: the depth encoder as encoder.pt is written, for a benchmark whose input is depth."""
        if self._options.depth:
            save_encoder(self.heads[DEPTH], out / "depth_encoder.pt")
