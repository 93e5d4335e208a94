"""SetSim (Wang et al., CVPR 2022): MoCo-v2 and a contrast between the sets of attended cells of two views.

A view's set is its cells of high attention. Each cell of the query's set has as positives all cells of the key's set
and its nearest neighbour, by backbone features, among all of the key's cells. Negatives are other images' pooled keys.

Departures. The published training script adds pairs that are close in the image, drops pairs of low similarity, and
omits the neighbours. The paper's abstract and figures name attention and neighbours, and are followed. The set-level
loss has the form of the published code, because the paper's formula was not available: the denominator holds all
positives of the query, and the loss is averaged over positives, then over the query's set, then over images.
"""

import numpy as np
from torch import Tensor

from liftedcl.images.shard import Shard
from liftedcl.losses.set_contrast import set_contrast
from liftedcl.methods.parts.view_and_cell_contrast import ViewAndCellContrast
from liftedcl.networks.encoder import Backbone
from liftedcl.networks.projectors import MapProjector, cell_vectors
from liftedcl.recipes.encoder_recipe import EncoderRecipe
from liftedcl.views.correspondence import set_pairs


class SetSim(ViewAndCellContrast):
    """Contrasts each cell of a view with all cells that belong to its set."""

    sections = ("training", "views", "contrast", "sets")

    def __init__(self, recipe: EncoderRecipe, backbone: Backbone, shard: Shard, skeletons: np.ndarray | None):
        sizes = {"hidden": recipe.contrast.hidden, "dimension": recipe.contrast.dimension}
        projector = MapProjector(backbone.out_channels, **sizes)
        super().__init__(recipe, backbone, name="set", projector=projector, weight=recipe.sets.weight)
        self._threshold = recipe.sets.threshold

    def cell_loss(self, features: Tensor, key_features: Tensor, cells: Tensor, key_cells: Tensor) -> Tensor:
        """The set-level loss of each image, (B,)."""
        pairs = set_pairs(features, key_features, self._threshold)
        negatives, temperature = self.queues["set"].keys, self._contrast.temperature
        return set_contrast(cell_vectors(cells), cell_vectors(key_cells), pairs, negatives, temperature)
