"""CroCo for people (CVPR 2024, arXiv 2311.09104; CroCo: Weinzaepfel et al., NeurIPS 2022).

Of two pictures of one person the first is masked, and completed with the help of the second, which is seen whole.
L = L_pose + L_view: pairs at another moment and pairs of two cameras are two parts of each batch, and the loss of each
part is the mean over its hidden patches. ``pairs.kinds`` of a row may name one kind. ``masking.person`` hides patches
of the person rather than others; with 0, and a ratio of 0.9, it is plain CroCo.

Views are cropped (the row's ``scale``), and their brightness, contrast and saturation changed (``jitter``), each
picture's by itself, as in CroCo's published code: no flips, no hues, no grey, no blur. Not published, in what could be
read of the paper on people: its ratio of hidden patches on the person, and its code. ``masking.person`` is this
project's form of it. Departures: the encoder has a class token, which the decoder doesn't see, and its position
embeddings are trained.
"""

import dataclasses
from collections.abc import Iterator

import numpy as np
from torch import Tensor

from liftedcl.engine import distributed
from liftedcl.images.pair_batches import PairBatch
from liftedcl.images.pairs import KINDS, open_pairs
from liftedcl.images.shard import Shard
from liftedcl.losses.masked_mean import masked_mean
from liftedcl.losses.patch_error import hidden_errors
from liftedcl.methods.parts.completion import Completion, watched
from liftedcl.monitor.completion_record import CompletionRecord
from liftedcl.networks.encoder import Backbone
from liftedcl.recipes.encoder_recipe import EncoderRecipe
from liftedcl.views.random_view import RandomView


class CroCo(Completion):
    """Completes a masked picture from another one of the same person."""

    sections = ("training", "adamw", "views", "masking", "pairs")

    def __init__(self, recipe: EncoderRecipe, backbone: Backbone, shard: Shard, skeletons: np.ndarray | None):
        super().__init__(recipe, backbone, shard, cross=True)
        plain = {"flip": 0.0, "grey": 0.0, "blur_probability": 0.0, "jitter_probability": 1.0}
        self._views = dataclasses.replace(recipe.views, **plain, jitter=(*recipe.views.jitter[:3], 0.0))
        self._kinds, pairs = recipe.pairs.kinds, open_pairs(shard)
        self._watched = {}
        for kind in self._kinds:
            chosen = watched(np.flatnonzero(pairs.kinds == KINDS.index(kind)))
            self._watched[kind] = (pairs.first[chosen], pairs.second[chosen])
        self.record = CompletionRecord(recipe, shard, self.grid)

    def losses(self, batch: PairBatch) -> Iterator[tuple[str, dict[str, Tensor]]]:
        device = self.people.device
        first, second = (RandomView(part, self._views, device) for part in (batch.first, batch.second))
        hidden, visible = self.masks(first)
        views = first.mine()
        errors = hidden_errors(self.complete(views, visible, second.mine()), self.targets(views), hidden)
        kinds = distributed.mine(batch.kinds.to(device, non_blocking=True))
        yield "encoder", {kind: masked_mean(errors, kinds == KINDS.index(kind)) for kind in self._kinds}

    def errors(self) -> dict[str, float]:
        """``completion/KIND``: 1 where each hidden patch's own mean would do as well."""
        return {f"completion/{kind}": self.relative_error(*rows) for kind, rows in self._watched.items()}
