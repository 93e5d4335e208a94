"""Fine-tuning on MPII for 2D pose: SimplePose on the backbone under test (Xiao et al. 2018; LiftedCL, appendix D)."""

from pathlib import Path
from typing import Any

import numpy as np

from downstream.heatmap_pose.keypoint_task import KeypointTask
from downstream.mpii.joints import BONES, MIRRORED, NUM_JOINTS, SIDES
from downstream.mpii.reader import REMEDY, SPLITS, annotation_path, read_mpii, to_people
from downstream.mpii.recipe import Mpii
from downstream.mpii.scores import score, write_predictions
from downstream.mpii.truth import check_same_people, read_truth, truth_path
from downstream.reading.fingerprint import fingerprint
from downstream.samples.overlay import augmented_keypoints, predicted_keypoints
from liftedcl.networks.encoder import Backbone


class Benchmark(KeypointTask):
    """The task of liftedcl/engine/loop.py, and its evaluation.

    Args:
        recipe: schedule, sizes and augmentation.
        backbone: the encoder under test.
        data: folder of the data set.
        seed: decides order and augmentation of the samples.
        workers: processes that load data; 0 loads, and keeps decoded regions, in this one.

    Raises:
        InputError: data that is missing or damaged, or less than one batch of it.
    """

    def __init__(self, recipe: Mpii, backbone: Backbone, *, data: Path, seed: int, workers: int) -> None:
        valid = read_mpii(data, "valid")
        self._truth = read_truth(truth_path(data))
        check_same_people(self._truth, valid)
        self._valid = to_people(valid, recipe.box_scale).people
        train = to_people(read_mpii(data, "train"), recipe.box_scale)
        super().__init__(recipe, backbone, train=train, mirrored=MIRRORED, seed=seed, workers=workers)
        self._predicted: np.ndarray | None = None

    def evaluate(self, out: Path) -> dict[str, Any]:
        """Write ``out/predictions.mat`` and return the scores that go into metrics.json."""
        self._predicted, _ = self.predict(self._valid, offset=True)
        write_predictions(out / "predictions.mat", self._predicted)
        return score(self._predicted, self._truth)

    def examples(self) -> np.ndarray:
        """Crops (<= 12, H, W, 3) of the validation split with what `evaluate` predicted drawn on them."""
        all_joints = np.ones((len(self._valid), NUM_JOINTS), dtype=bool)
        return predicted_keypoints(self._valid, self._predicted, all_joints, self._size, BONES, SIDES)


def augmented_samples(recipe: Mpii, *, data: Path, seed: int, count: int) -> np.ndarray:
    """Augmented training samples (count, H, W, 3) with their targets drawn on them."""
    train = to_people(read_mpii(data, "train"), recipe.box_scale)
    return augmented_keypoints(train, recipe, MIRRORED, BONES, SIDES, seed=seed, count=count)


def fingerprints(recipe: Mpii, data: Path) -> dict[str, str]:
    """SHA-256 of the annotation files; part of a run's identity. The pictures are known by their names only."""
    paths = {f"mpii_{split}": annotation_path(data, split) for split in SPLITS} | {"mpii_truth": truth_path(data)}
    return fingerprint(paths, REMEDY)
