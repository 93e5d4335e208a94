"""SetSim (Wang et al., CVPR 2022): MoCo-v2 and a contrast between the sets of attended cells of two views.

A view's set is its cells of high attention. Each cell of the query's set has as positives the cells of the key's set
that are not unlike it by backbone features, and each cell those that are close to it in the image. Negatives are other
images' pooled keys.

Departure. These are the pairs of the published training script. The paper's abstract also names the nearest neighbours
of a set, which the published code has as an option that its script leaves off. The set-level loss has the code's form
as well: the denominator holds all positives of the query, and the loss is averaged over positives, then over queries
that have any, then over images.
"""

import numpy as np
from torch import Tensor

from liftedcl.images.shard import Shard
from liftedcl.losses.set_contrast import set_contrast
from liftedcl.methods.parts.view_and_cell_contrast import ViewAndCellContrast
from liftedcl.networks.encoder import Backbone
from liftedcl.networks.projectors import MapProjector, cell_vectors
from liftedcl.recipes.encoder_recipe import EncoderRecipe
from liftedcl.views.correspondence import attended_pairs, close_in_image
from liftedcl.views.view_pair import ViewPair


class SetSim(ViewAndCellContrast):
    """Contrasts each cell of a view with all cells that belong to its set."""

    sections = ("training", "views", "contrast", "sets")

    def __init__(self, recipe: EncoderRecipe, backbone: Backbone, shard: Shard, skeletons: np.ndarray | None):
        sizes = {"hidden": recipe.contrast.hidden, "dimension": recipe.contrast.dimension}
        projector = MapProjector(backbone.out_channels, **sizes)
        super().__init__(recipe, backbone, name="set", projector=projector, weight=recipe.sets.weight)
        self._sets = recipe.sets

    def cell_loss(
        self, pair: ViewPair, features: Tensor, key_features: Tensor, cells: Tensor, key_cells: Tensor
    ) -> Tensor:
        """The set-level loss of each image, (B,)."""
        sets, geometries = self._sets, (pair.geometry(pair.query), pair.geometry(pair.key))
        pairs = attended_pairs(features, key_features, attention=sets.threshold, similarity=sets.similarity)
        pairs |= close_in_image(*geometries, pair.images.shape[2:], features.shape[2:], sets.distance)
        negatives, temperature = self.queues["set"].keys, self._contrast.temperature
        return set_contrast(cell_vectors(cells), cell_vectors(key_cells), pairs, negatives, temperature)
