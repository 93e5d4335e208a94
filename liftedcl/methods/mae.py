"""MAE (He et al., CVPR 2022): an encoder sees a quarter of a picture's patches, a decoder completes the others.

Views are only cropped (the row's ``scale``) and flipped, as in the paper. Departure: the encoder's position embeddings
are trained (liftedcl/networks/visible_patches.py).
"""

import dataclasses
from collections.abc import Iterator

import numpy as np
from torch import Tensor

from liftedcl.images.batches import Batch
from liftedcl.images.shard import Shard
from liftedcl.losses.patch_error import hidden_errors
from liftedcl.methods.parts.completion import Completion, watched
from liftedcl.monitor.completion_record import CompletionRecord
from liftedcl.networks.encoder import Backbone
from liftedcl.recipes.encoder_recipe import EncoderRecipe
from liftedcl.views.random_view import RandomView


class MAE(Completion):
    """Completes masked pictures."""

    sections = ("training", "adamw", "views", "masking")

    def __init__(self, recipe: EncoderRecipe, backbone: Backbone, shard: Shard, skeletons: np.ndarray | None):
        super().__init__(recipe, backbone, shard, cross=False)
        self._views = dataclasses.replace(recipe.views, jitter_probability=0.0, grey=0.0, blur_probability=0.0)
        self._watched = watched(np.arange(len(shard)))
        self.record = CompletionRecord(recipe, shard, self.grid)

    def losses(self, batch: Batch) -> Iterator[tuple[str, dict[str, Tensor]]]:
        view = RandomView(batch, self._views, self.people.device)
        hidden, visible = self.masks(view)
        views = view.mine()
        errors = hidden_errors(self.complete(views, visible), self.targets(views), hidden)
        yield "encoder", {"completion": errors.mean()}

    def errors(self) -> dict[str, float]:
        """``completion/error``: 1 where each hidden patch's own mean would do as well."""
        return {"completion/error": self.relative_error(self._watched)}
