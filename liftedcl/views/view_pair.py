"""Two random views of each image of a global batch; every process renders its share of them."""

import torch
from torch import Tensor

from liftedcl.engine import distributed
from liftedcl.images.batches import Batch
from liftedcl.recipes.encoder_recipe import Views
from liftedcl.views.rendering import render_views
from liftedcl.views.view_draw import Geometry, ViewDraw, draw_views


class ViewPair:
    """The draws ``query`` and ``key`` for the ``images`` of a global batch; the same in every process."""

    def __init__(self, batch: Batch, recipe: Views, device: torch.device):
        self.images, self._recipe = batch.images.to(device, non_blocking=True), recipe
        count, _, height, width = self.images.shape
        stretches = batch.stretches.to(device, non_blocking=True)
        self.query, self.key = (draw_views(count, height, width, recipe, device, stretches) for _ in range(2))
        self._mine = distributed.mine(torch.arange(count, device=device))

    def mine(self, draw: ViewDraw) -> tuple[Tensor, Geometry]:
        """This process's views (B/W, 3, H', W') of a draw, and their geometry."""
        return self.render(draw, self._mine), self.geometry(draw)

    def geometry(self, draw: ViewDraw) -> Geometry:
        """The geometry of this process's views of a draw."""
        return draw.geometry.select(self._mine)

    def render(self, draw: ViewDraw, rows: Tensor) -> Tensor:
        """The views (n, 3, H', W'), normalised, of the images ``rows`` (n,) int64."""
        return render_views(self.images[rows], draw.select(rows), self._recipe)
