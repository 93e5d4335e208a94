"""DenseCL (Wang et al., CVPR 2021): MoCo-v2 and the same contrast between the cells of two views' maps.

L = (1 - lambda) L_q + lambda L_r (section 3.3). A query cell's positive is the cell of the key view with the most
similar backbone feature (section 3.4).
"""

import numpy as np
from torch import Tensor, nn

from liftedcl.images.shard import Shard
from liftedcl.losses.infonce import info_nce
from liftedcl.methods.parts.view_and_cell_contrast import ViewAndCellContrast
from liftedcl.networks.encoder import Backbone
from liftedcl.networks.projectors import MapProjector, cell_vectors
from liftedcl.recipes.encoder_recipe import EncoderRecipe
from liftedcl.views.correspondence import matched, most_similar
from liftedcl.views.view_pair import ViewPair


class DenseCL(ViewAndCellContrast):
    """Contrasts each cell of the query view with its match in the key view."""

    sections = ("training", "views", "contrast", "dense")

    def __init__(self, recipe: EncoderRecipe, backbone: Backbone, shard: Shard, skeletons: np.ndarray | None):
        sizes = {"hidden": recipe.contrast.hidden, "dimension": recipe.contrast.dimension}
        pool = nn.AdaptiveAvgPool2d(recipe.dense.grid) if recipe.dense.grid else nn.Identity()
        projector = nn.Sequential(pool, MapProjector(backbone.out_channels, **sizes))
        super().__init__(recipe, backbone, name="dense", projector=projector, weight=recipe.dense.weight)
        self.pool = pool

    def cell_loss(
        self, pair: ViewPair, features: Tensor, key_features: Tensor, cells: Tensor, key_cells: Tensor
    ) -> Tensor:
        """L_r (equation 2) of each cell, (B, N)."""
        # As in the paper both are pooled; the published code pools the vectors but matches on the unpooled map.
        matches = most_similar(self.pool(features), self.pool(key_features))
        positives = matched(cell_vectors(key_cells), matches)
        return info_nce(cell_vectors(cells), positives, self.queues["dense"].keys, self._contrast.temperature)
