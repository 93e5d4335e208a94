"""One random view of each image of a global batch; every process renders its share of them."""

import torch
from torch import Tensor

from liftedcl.engine import distributed
from liftedcl.images.batches import Batch
from liftedcl.recipes.encoder_recipe import Views
from liftedcl.views.rendering import render_views
from liftedcl.views.view_draw import draw_views


class RandomView:
    """The ``draw`` for the images of a global batch, ``rows`` (B,) of the shard; the same in every process."""

    def __init__(self, batch: Batch, recipe: Views, device: torch.device):
        self._images, self._recipe = batch.images.to(device, non_blocking=True), recipe
        self.rows = batch.rows.to(device, non_blocking=True)
        count, _, height, width = self._images.shape
        stretches = batch.stretches.to(device, non_blocking=True)
        self.draw = draw_views(count, height, width, recipe, device, stretches)

    def mine(self) -> Tensor:
        """This process's views (B/W, 3, H', W'), normalised."""
        part = distributed.mine(torch.arange(len(self.rows), device=self.rows.device))
        return render_views(self._images[part], self.draw.select(part), self._recipe)
