"""Fine-tuning on Human3.6M for 2D pose: SimplePose on the backbone under test (LiftedCL, appendix D).

As in the published code (Qiu et al. 2019), the prediction is the highest cell of a heatmap, without an offset within
the cell, and without a flip test unless the recipe asks for one. Where MPII is mixed in, its people train the 13 joints
that both data sets have; the published code has separate outputs for MPII's other three.

Departure: a batch holds any 32 pictures, and batch norm any 8 of them. The published one holds 8 moments as four
cameras see them, camera by camera, which its fusion of views needs; here nothing depends on which view is which.
"""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from downstream.h36m.pose_2d.reader import read_h36m_2d
from downstream.h36m.shared.mpii_mix import with_mix
from downstream.h36m.shared.pose_coding import turn_with_crop
from downstream.h36m.shared.prediction_file import PREDICTIONS, write_predictions
from downstream.h36m.shared.recipe import H36M2D
from downstream.h36m.shared.skeleton_prior import SkeletonPrior
from downstream.heatmap_pose.keypoint_data import KeypointBatch
from downstream.heatmap_pose.keypoint_task import KeypointTask
from liftedcl.networks.encoder import Backbone
from liftedcl.skeletons.skeleton import flip_order


class H36MPose2D(KeypointTask):
    """The `downstream.benchmark.Benchmark` of Human3.6M 2D pose."""

    def __init__(
        self, recipe: H36M2D, backbone: Backbone, *, data: Path, seed: int, workers: int, packed: Path | None = None
    ) -> None:
        size = (recipe.input_width, recipe.input_height)
        self._test = read_h36m_2d(data, "test", recipe.test_stride)
        self._test_people = self._test.labelled(size, recipe.box_scale).people
        train = read_h36m_2d(data, "train", recipe.train_stride)
        self._poses = train.poses
        prior = None
        if recipe.prior is not None:
            with torch.random.fork_rng(devices=[]):  # the head starts from the same weights with and without the prior
                prior = SkeletonPrior(backbone.out_channels, recipe.prior)
        super().__init__(
            recipe,
            backbone,
            train=with_mix(train.labelled(size, recipe.box_scale), recipe.mpii, size),
            mirrored=flip_order(),
            seed=seed,
            workers=workers,
            packed=packed,
            beside=prior,
        )

    def counted(self, batch: KeypointBatch) -> Tensor:
        """The joints inside the crop. As published, a joint outside counts nothing, also where its Gaussian reaches in.

        COCO's and MPII's published recipe trains on that part of the Gaussian.
        """
        inside = (batch.joints >= 0) & (batch.joints < torch.tensor(self._size))
        return batch.visible * inside.all(dim=2)

    def extra_losses(self, features: Tensor, batch: KeypointBatch) -> dict[str, Tensor]:
        """The 3D prior's terms, where the recipe has one."""
        if self._recipe.prior is None:
            return {}
        rows, matrices, flipped = batch.rows.numpy(), batch.matrices.numpy(), batch.flipped.numpy()
        posed = np.flatnonzero(rows < len(self._poses))  # MPII's people follow
        poses = turn_with_crop(self._poses[rows[posed]], matrices[posed], flipped[posed]).astype(np.float32)
        known = (torch.from_numpy(part).to(features.device, non_blocking=True) for part in (posed, poses))
        return self.module.beside(features, *known)

    def write_predictions(self, out: Path) -> None:
        """Write the joints of the test frames."""
        joints, _ = self.predict(self._test_people, offset=False)
        settings = {"head_size": self._recipe.head_size, "test_stride": self._recipe.test_stride}
        write_predictions(out / PREDICTIONS, "joints", joints, self._test.names, **settings)
