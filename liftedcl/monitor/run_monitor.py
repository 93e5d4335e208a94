"""The monitor of a pre-training, which looks at a fixed sample of whole images after every epoch.

In a collapse features become similar or span few dimensions. Lifted skeletons show what the lifting network has learnt
(paper, figures 5 and 8).
"""

import numpy as np
import torch
from torch import Tensor, nn

from liftedcl.files.evenly_spread import evenly_spread
from liftedcl.images.shard import Shard
from liftedcl.images.shard_union import ShardUnion
from liftedcl.monitor.feature_health import feature_health
from liftedcl.networks.encoder import Backbone
from liftedcl.networks.lifting import LiftingNetwork
from liftedcl.skeletons.lifted_history import LiftedHistory
from liftedcl.skeletons.skeleton import NUM_JOINTS
from liftedcl.views.whole_crops import whole_views

_IMAGES = 128  # enough for a rank of dozens, and takes a fraction of a second
_LIFTED = 6


class RunMonitor(nn.Module):
    """A sample spread evenly over a shard. Its records are buffers, which a resumed run restores.

    ``rows`` (P,) int64 are the rows of the shard that are lifted, none for a method that doesn't lift. ``skeletons``
    (epochs + 1, P, 17, 3) are their lifted skeletons before training and after each epoch.
    """

    skeletons: Tensor

    def __init__(self, shard: Shard | ShardUnion, *, size: tuple[int, int], epochs: int, lifts: bool):
        super().__init__()
        rows = evenly_spread(len(shard), _IMAGES)
        lifted = evenly_spread(len(rows), _LIFTED) if lifts else rows[:0]
        self.rows, self._lifted = rows[lifted], torch.from_numpy(lifted)
        self._crops, self._size = shard.gather(rows), size
        self.register_buffer("skeletons", torch.zeros(epochs + 1 if lifts else 0, len(self.rows), NUM_JOINTS, 3))

    @torch.no_grad()
    def look(self, epoch: int, backbone: Backbone, lifting: LiftingNetwork | None) -> dict[str, float]:
        """The features' health after ``epoch`` epochs; keeps lifted skeletons. Leaves networks in evaluation mode."""
        device = next(backbone.parameters()).device
        maps = backbone.eval()(whole_views(self._crops, self._size, device))
        if lifting is not None:
            self.skeletons[epoch] = lifting.eval()(maps[self._lifted.to(device)])
        return {f"features/{key}": value for key, value in feature_health(maps.mean(dim=(2, 3))).items()}

    def history(self) -> LiftedHistory:
        """The skeletons of all epochs of a run that has ended."""
        epochs = np.arange(len(self.skeletons))
        return LiftedHistory(rows=self.rows, epochs=epochs, skeletons=self.skeletons.cpu().numpy())
