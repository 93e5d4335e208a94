"""Two random views of each image of a global batch, of which every process renders its share."""

import torch
from torch import Tensor

from liftedcl.engine import distributed
from liftedcl.recipes.encoder_recipe import Views
from liftedcl.views.rendering import render_views
from liftedcl.views.view_draw import Geometry, ViewDraw, draw_views


class ViewPair:
    """The draws of ``query`` and ``key`` views for a whole global batch; the same on every process.

    Attributes:
        images: (B, 3, H, W) uint8, on the device that trains.
        query, key: what is random about the views.
    """

    query: ViewDraw
    key: ViewDraw

    def __init__(self, images: Tensor, recipe: Views, device: torch.device):
        self.images, self._recipe = images.to(device, non_blocking=True), recipe
        count, _, height, width = images.shape
        self.query, self.key = (draw_views(count, height, width, recipe, device) for _ in range(2))
        self._mine = distributed.mine(torch.arange(count, device=device))

    def mine(self, draw: ViewDraw) -> tuple[Tensor, Geometry]:
        """This process's views (B/W, 3, S, S) of a draw, and where they come from."""
        return self.render(draw, self._mine), self.geometry(draw)

    def geometry(self, draw: ViewDraw) -> Geometry:
        """Where this process's views of a draw come from."""
        return draw.geometry.select(self._mine)

    def render(self, draw: ViewDraw, rows: Tensor) -> Tensor:
        """The views of a draw that show the images ``rows`` (n,) int64: (n, 3, S, S), normalised."""
        return render_views(self.images[rows], draw.select(rows), self._recipe)
