"""MoCo-v2's contrast of whole views and a second contrast of their cells: the common part of DenseCL and SetSim."""

from collections.abc import Iterator

from torch import Tensor, nn
from torch.nn import functional as F

from liftedcl.engine import distributed
from liftedcl.engine.loop import Player
from liftedcl.engine.optimisers import encoder_player
from liftedcl.images.batches import Batch
from liftedcl.losses.infonce import info_nce
from liftedcl.networks.encoder import Backbone
from liftedcl.networks.grouped_norm import group_batch_norms
from liftedcl.networks.keys import KeyEncoder
from liftedcl.networks.projectors import VectorProjector
from liftedcl.networks.queue import KeyQueue
from liftedcl.recipes.encoder_recipe import EncoderRecipe
from liftedcl.views.view_pair import ViewPair


class ViewAndCellContrast(nn.Module):
    """Query network with a projector for the whole view and one for its cells, momentum copies, and a queue for each.

    L = (1 - weight) L_whole + weight L_cells. Negatives of the cells are the pooled maps of other images' key views.
    """

    def __init__(self, recipe: EncoderRecipe, backbone: Backbone, *, name: str, projector: nn.Module, weight: float):
        """``projector`` makes the cells' map (B, D, h, w); ``name`` names its head, its queue and its loss."""
        super().__init__()
        self._views, self._contrast, self._name, self._weight = recipe.views, recipe.contrast, name, weight
        contrast, batch_size = recipe.contrast, recipe.training.batch_size
        self.backbone = group_batch_norms(backbone, contrast.norm_groups, batch_size=batch_size)
        whole = VectorProjector(backbone.out_channels, hidden=contrast.hidden, dimension=contrast.dimension)
        self.heads = nn.ModuleDict({"invariant": whole, name: projector})
        self.key = KeyEncoder(self.backbone, self.heads)
        self.queues = nn.ModuleDict(
            {head: KeyQueue(contrast.queue, contrast.dimension, batch_size=batch_size) for head in self.heads}
        )

    def players(self, recipe: EncoderRecipe, steps: int) -> dict[str, Player]:
        return encoder_player(self, recipe, steps)

    def losses(self, batch: Batch) -> Iterator[tuple[str, dict[str, Tensor]]]:
        pair = ViewPair(batch, self._views, self.queues["invariant"].keys.device)
        views, _ = pair.mine(pair.query)
        features = self.backbone(views)
        self.key.follow(self.backbone, self.heads, self._contrast.key_momentum)
        keys = self.key.shuffled(pair, ("features", *self.heads))
        mine = {name: distributed.mine(key) for name, key in keys.items()}
        queries, negatives = self.heads["invariant"](features), self.queues["invariant"].keys
        whole = info_nce(queries, mine["invariant"], negatives, self._contrast.temperature)
        cells = self.cell_loss(pair, features, mine["features"], self.heads[self._name](features), mine[self._name])
        yield "encoder", {"inv": (1.0 - self._weight) * whole.mean(), self._name: self._weight * cells.mean()}
        self.queues["invariant"].push(keys["invariant"])
        self.queues[self._name].push(F.normalize(keys[self._name].mean(dim=(2, 3)), dim=1))

    def cell_loss(
        self, pair: ViewPair, features: Tensor, key_features: Tensor, cells: Tensor, key_cells: Tensor
    ) -> Tensor:
        """The method's losses, to be averaged, of this process's part of a pair of views.

        From both views' maps (B, C, h, w) and projected cells (B, D, h, w).
        """
        raise NotImplementedError
