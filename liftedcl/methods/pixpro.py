"""PixPro (Xie et al., CVPR 2021): pixel-to-propagation consistency, with the pixel propagation module. No negatives.

Both views pass through both networks. The loss pulls a propagated cell of one view towards the momentum network's cells
of the other view that show the same place of the image. Batch statistics are those of the whole batch, as in the paper.

Departures. Optimiser, batch and augmentation are this project's, the same for all methods (LiftedCL, section 4.1); the
paper has LARS, 1024 images and BYOL's augmentation. Where paper and published code differ, the code is followed, whose
checkpoint is the start of stage II: twice equation 5, values of unit length in the propagation, 4096 hidden channels.
"""

from collections.abc import Iterator

import numpy as np
from torch import Tensor, nn

from liftedcl.engine.loop import Player
from liftedcl.engine.optimisers import encoder_player
from liftedcl.engine.schedule import Schedule, constant, cosine
from liftedcl.images.batches import Batch
from liftedcl.images.shard import Shard
from liftedcl.networks.encoder import Backbone, zero_last_norms
from liftedcl.networks.grouped_norm import group_batch_norms
from liftedcl.networks.keys import KeyEncoder
from liftedcl.networks.pixel_propagation import PixelPropagation, consistency_loss
from liftedcl.networks.projectors import NormalisedMapProjector
from liftedcl.recipes.encoder_recipe import EncoderRecipe
from liftedcl.views.correspondence import close_in_image
from liftedcl.views.view_pair import ViewPair


class PixPro(nn.Module):
    """Query network with projector and propagation module, and momentum copies of backbone and projector."""

    sections = ("training", "views", "propagation")

    def __init__(self, recipe: EncoderRecipe, backbone: Backbone, shard: Shard, skeletons: np.ndarray | None):
        super().__init__()
        self._views, self._propagation = recipe.views, recipe.propagation
        propagation, batch_size = recipe.propagation, recipe.training.batch_size
        projector = NormalisedMapProjector(
            backbone.out_channels, hidden=propagation.hidden, dimension=propagation.dimension
        )
        if recipe.start is None:
            zero_last_norms(backbone)
        self.backbone = group_batch_norms(backbone, 1, batch_size=batch_size)
        self.heads = nn.ModuleDict(
            {
                "projector": group_batch_norms(projector, 1, batch_size=batch_size),
                "propagation": PixelPropagation(propagation.dimension, sharpness=propagation.sharpness),
            }
        )
        self.key = KeyEncoder(self.backbone, nn.ModuleDict({"projector": projector}))
        self._key_momentum: Schedule = constant(propagation.key_momentum)

    def players(self, recipe: EncoderRecipe, steps: int) -> dict[str, Player]:
        self._key_momentum = rising(recipe.propagation.key_momentum, steps=steps)
        return encoder_player(self, recipe, steps)

    def losses(self, batch: Batch) -> Iterator[tuple[str, dict[str, Tensor]]]:
        pair = ViewPair(batch, self._views, next(self.backbone.parameters()).device)
        views, geometries = zip(*(pair.mine(draw) for draw in (pair.query, pair.key)), strict=True)
        first, second = (self.heads["projector"](self.backbone(view)) for view in views)
        self.key.follow(self.backbone, self.heads, self._key_momentum(batch.step))
        first_keys, second_keys = (self.key(view)["projector"] for view in views)
        propagate = self.heads["propagation"]
        image, size = pair.images.shape[2:], first.shape[2:]
        positives = close_in_image(*geometries, image, size, self._propagation.threshold)
        # An image whose views share no place counts as 0 in the mean over images, as in the published code.
        loss = consistency_loss(propagate(first), second_keys, positives)
        loss = loss + consistency_loss(propagate(second), first_keys, positives.transpose(1, 2))
        yield "encoder", {"consistency": 2.0 * loss.mean()}  # the factor is the published code's alone


def rising(first: float, *, steps: int) -> Schedule:
    """From ``first`` at step 0 to 1 after ``steps`` steps, by half a cosine (section 4.1; BYOL, Grill et al. 2020)."""
    fall = cosine(1.0 - first, steps=steps)
    return lambda step: 1.0 - fall(step)
