"""A toy method: the backbone and a linear layer tell the mean colour of a view. One file, as docs/extending.md says."""

from torch import nn
from torch.nn import functional as F

from liftedcl.engine.optimisers import sgd_player
from liftedcl.engine.schedule import cosine
from liftedcl.views.rendering import render_views
from liftedcl.views.view_draw import draw_views


class MeanColour(nn.Module):
    sections = ("training", "views")

    def __init__(self, recipe, backbone, shard, skeletons):
        super().__init__()
        self.backbone, self._views = backbone, recipe.views
        self.heads = nn.ModuleDict({"colour": nn.Linear(backbone.out_channels, 3)})

    def players(self, recipe, steps):
        schedule = cosine(recipe.training.learning_rate, steps=steps)
        return {"colour": sgd_player(self.parameters(), recipe.training, schedule)}

    def losses(self, batch):
        count, _, height, width = batch.images.shape
        views = render_views(
            batch.images, draw_views(count, height, width, self._views, batch.images.device), self._views
        )
        told = self.heads["colour"](self.backbone(views).mean(dim=(2, 3)))
        yield "colour", {"squared_error": F.mse_loss(told, views.mean(dim=(2, 3)))}
