"""Fine-tuning on Human3.6M for 2D pose: SimplePose on the backbone under test (LiftedCL, appendix D).

As in the published code (Qiu et al. 2019), the highest cell of a heatmap is the answer: no flip test (unless the recipe
asks for one), no offset within the cell. Where MPII is mixed in, its people train the 13 joints that both data sets
have; the published code has outputs of their own for MPII's other three.
"""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from downstream.h36m.mpii_mix import with_mix
from downstream.h36m.names import REMEDY
from downstream.h36m.overlay import SIDES
from downstream.h36m.pose_coding import turn_with_crop
from downstream.h36m.reader_2d import ANNOTATIONS, H36MJoints, annotation_path, read_h36m_2d
from downstream.h36m.recipe import H36M2D
from downstream.h36m.scores_2d import score, write_predictions
from downstream.h36m.skeleton_prior import SkeletonPrior
from downstream.heatmap_pose.keypoint_data import KeypointBatch
from downstream.heatmap_pose.keypoint_task import KeypointTask
from downstream.mpii.reader import annotation_path as mpii_annotation_path
from downstream.reading.fingerprint import fingerprint
from downstream.samples.overlay import augmented_keypoints, predicted_keypoints
from downstream.samples.people import LabelledPeople
from liftedcl.networks.encoder import Backbone
from liftedcl.skeletons.skeleton import BONES, NUM_JOINTS, flip_order


class Benchmark(KeypointTask):
    """The task of liftedcl/engine/loop.py, and its evaluation.

    Args:
        recipe: schedule, sizes, strides and the head size.
        backbone: the encoder under test; it is trained on unless it comes frozen.
        data: folder of the data set.
        seed: decides order and augmentation of the samples.
        workers: processes that load data; 0 loads, and keeps decoded frames, in this one.

    Raises:
        InputError: data that is missing or damaged, or less than one batch of it.
    """

    def __init__(self, recipe: H36M2D, backbone: Backbone, *, data: Path, seed: int, workers: int) -> None:
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
            train=_training_people(recipe, train),
            mirrored=flip_order(),
            seed=seed,
            workers=workers,
            beside=prior,
        )
        self._predicted: np.ndarray | None = None

    def extra_losses(self, features: Tensor, batch: KeypointBatch) -> dict[str, Tensor]:
        """The 3D prior's terms, where the recipe has one."""
        if self._recipe.prior is None:
            return {}
        return self.module.beside(features, self._turned_poses(batch).to(features.device))

    def _turned_poses(self, batch: KeypointBatch) -> Tensor:
        """3D poses (B, 17, 3) of the batch, turned and mirrored as its crops are."""
        poses = turn_with_crop(self._poses[batch.rows.numpy()], batch.matrices.numpy())
        flipped = batch.flipped.numpy()
        poses[flipped] = poses[flipped][:, flip_order()]
        return torch.from_numpy(poses.astype(np.float32))

    def evaluate(self, out: Path) -> dict[str, Any]:
        """Write ``out/predictions.npz`` and return the scores that go into metrics.json."""
        self._predicted, _ = self.predict(self._test_people, offset=False)
        settings = {"head_size": self._recipe.head_size, "test_stride": self._recipe.test_stride}
        write_predictions(out / "predictions.npz", self._predicted, self._test, **settings)
        return score(self._predicted, self._test, self._recipe.head_size)

    def examples(self) -> np.ndarray:
        """Up to 12 test crops (N, H, W, 3) uint8 RGB with what `evaluate` predicted."""
        shown = np.ones((len(self._test), NUM_JOINTS), bool)
        return predicted_keypoints(self._test_people, self._predicted, shown, self._size, BONES, SIDES)


def fingerprints(recipe: H36M2D, data: Path) -> dict[str, str]:
    """SHA-256 of the annotation files; part of a run's identity. The pictures are known by their names only."""
    paths = {f"h36m_2d_{split}": annotation_path(data, split) for split in ANNOTATIONS}
    if recipe.mpii is not None:
        paths["mpii_train"] = mpii_annotation_path(recipe.mpii, "train")
    return fingerprint(paths, REMEDY)


def augmented_samples(recipe: H36M2D, *, data: Path, seed: int, count: int) -> np.ndarray:
    """Up to ``count`` training samples (N, H, W, 3) uint8 RGB of the first epoch, their targets drawn in place."""
    labelled = _training_people(recipe, read_h36m_2d(data, "train", recipe.train_stride))
    return augmented_keypoints(labelled, recipe, flip_order(), BONES, SIDES, seed=seed, count=count)


def _training_people(recipe: H36M2D, train: H36MJoints) -> LabelledPeople:
    size = (recipe.input_width, recipe.input_height)
    people = train.labelled(size, recipe.box_scale)
    return people if recipe.mpii is None else with_mix(people, recipe.mpii, size)
