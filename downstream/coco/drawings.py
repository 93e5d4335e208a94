"""Draws COCO's joints: predictions on test people, targets on training samples."""

from pathlib import Path

import numpy as np

from downstream.coco.keypoints import BONES, MIRRORED, SIDES
from downstream.coco.reader import annotation_path, read_people
from downstream.coco.recipe import Coco2D
from downstream.coco.results import IN_ANNOTATED_BOXES, read_predictions
from downstream.heatmap_pose.keypoint_drawings import augmented_keypoints, predicted_keypoints
from downstream.samples.overlay import EXAMPLES
from liftedcl.files.evenly_spread import evenly_spread


def examples(recipe: Coco2D, data: Path, run: Path) -> np.ndarray:
    """Crops (<= 12, H, W, 3) of annotated test people with the labelled joints of the nearest result in the image.

    A result doesn't say in which box it was found, and suppression may have removed the result of a person's own box.
    """
    annotated = read_people(data, "val")
    chosen = evenly_spread(len(annotated), EXAMPLES)
    size = recipe.input_width, recipe.input_height
    found: dict[int, list[np.ndarray]] = {}
    for result in read_predictions(run / IN_ANNOTATED_BOXES, annotation_path(data, "val")):
        found.setdefault(result["image_id"], []).append(np.reshape(result["keypoints"], (-1, 3))[:, :2])
    people = annotated.boxes.people(size, recipe.box_scale).at(chosen)
    visible = annotated.visible[chosen]
    joints = np.full((len(chosen), visible.shape[1], 2), np.inf)
    for n, row in enumerate(chosen):
        results = np.array(found.get(int(annotated.boxes.image_ids[row]), []))
        if len(results):
            distances = np.linalg.norm(results - annotated.joints[row], axis=2)[:, visible[n]].mean(axis=1)
            joints[n] = results[distances.argmin()]
    return predicted_keypoints(people, joints, visible & np.isfinite(joints).all(axis=2), size, BONES, SIDES)


def augmented_samples(recipe: Coco2D, *, data: Path, seed: int, count: int) -> np.ndarray:
    """Training samples (count, H, W, 3), augmented, with their targets drawn on them."""
    train = read_people(data, "train").labelled((recipe.input_width, recipe.input_height), recipe.box_scale)
    return augmented_keypoints(train, recipe, MIRRORED, BONES, SIDES, seed=seed, count=count)
