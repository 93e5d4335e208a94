"""Fine-tuning on COCO for 2D pose: SimplePose on the backbone under test (Xiao et al. 2018; LiftedCL, appendix D).

The protocol is that of the published code of SimplePose and HRNet; departures are named where they are made.
"""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from downstream.coco.annotations import REMEDY
from downstream.coco.evaluation import evaluate, read_test
from downstream.coco.keypoints import BONES, MIRRORED, SIDES
from downstream.coco.reader import DETECTIONS, annotation_path, read_people
from downstream.coco.recipe import Coco2D
from downstream.heatmap_pose.keypoint_task import KeypointTask
from downstream.reading.fingerprint import fingerprint
from downstream.samples.overlay import EXAMPLES, augmented_keypoints, predicted_keypoints
from liftedcl.files.evenly_spread import evenly_spread
from liftedcl.networks.encoder import Backbone


class Benchmark(KeypointTask):
    """The task of liftedcl/engine/loop.py, and its evaluation.

    Args:
        recipe: schedule, sizes, augmentation and how people are scored.
        backbone: the encoder under test; it is trained on unless it comes frozen.
        data: folder of the data set.
        seed: decides order and augmentation of the samples.
        workers: processes that load data; 0 loads, and keeps decoded frames, in this one.

    Raises:
        InputError: data that is missing or damaged, or less than one batch of it.
    """

    def __init__(self, recipe: Coco2D, backbone: Backbone, *, data: Path, seed: int, workers: int) -> None:
        self._test = read_test(data)
        train = read_people(data, "train").labelled((recipe.input_width, recipe.input_height), recipe.box_scale)
        super().__init__(recipe, backbone, train=train, mirrored=MIRRORED, seed=seed, workers=workers)

    def evaluate(self, out: Path) -> dict[str, Any]:
        """Write the results files into ``out`` and return the scores; see `evaluation.evaluate`."""
        return evaluate(partial(self.predict, offset=True), self._test, self._recipe, out)

    def examples(self) -> np.ndarray:
        """Crops (<= 12, H, W, 3) of annotated test people with the predictions of their labelled joints."""
        annotated = self._test.annotated
        chosen = evenly_spread(len(annotated), EXAMPLES)
        people = annotated.boxes.people(self._size, self._recipe.box_scale).at(chosen)
        joints, _ = self.predict(people, offset=True)
        return predicted_keypoints(people, joints, annotated.visible[chosen], self._size, BONES, SIDES)


def augmented_samples(recipe: Coco2D, *, data: Path, seed: int, count: int) -> np.ndarray:
    """Training samples (count, H, W, 3), augmented, with their targets drawn on them."""
    train = read_people(data, "train").labelled((recipe.input_width, recipe.input_height), recipe.box_scale)
    return augmented_keypoints(train, recipe, MIRRORED, BONES, SIDES, seed=seed, count=count)


def fingerprints(recipe: Coco2D, data: Path) -> dict[str, str]:
    """SHA-256 of the annotation files; part of a run's identity. The pictures are known by their names only."""
    paths = {f"coco_{split}": annotation_path(data, split) for split in ("train", "val")}
    if (data / DETECTIONS).exists():
        paths["coco_detections"] = data / DETECTIONS
    return fingerprint(paths, REMEDY)
