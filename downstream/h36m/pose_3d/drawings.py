"""Pictures of Human3.6M's joints: predictions on test images and from the side, targets on training samples."""

from pathlib import Path

import cv2
import numpy as np

from downstream.h36m.pose_2d.drawings import SIDES
from downstream.h36m.pose_3d.data import training_batches
from downstream.h36m.pose_3d.reader import read_h36m_3d
from downstream.h36m.pose_3d.regions import people_of
from downstream.h36m.shared.camera import project
from downstream.h36m.shared.prediction_file import PREDICTIONS, read_predictions
from downstream.h36m.shared.recipe import H36M3D
from downstream.heatmap_pose.keypoint_drawings import predicted_keypoints
from downstream.samples.overlay import EXAMPLES, draw_keypoints
from downstream.training.epoch_batches import load
from liftedcl.files.evenly_spread import evenly_spread
from liftedcl.skeletons.skeleton import BONES, NUM_JOINTS

_HEIGHT_MM = 2200.0
"""Height and depth that a picture of a pose from the side covers."""
_LEAST_SIDE = 192


def examples(recipe: H36M3D, data: Path, run: Path) -> np.ndarray:
    """Up to 12 test crops with the predicted joints, each beside the pose from the side: (N, S, 2 S, 3) uint8 RGB.

    From the side, the camera is on the left, and the true pose is pale.
    """
    truth = read_h36m_3d(data, "test")
    predicted = read_predictions(run / PREDICTIONS, "poses", 3, truth.names)
    size = (recipe.input_size, recipe.input_size)
    pixels = project(predicted + truth.joints[:, :1], truth.f, truth.c)
    seen = np.ones((len(truth), NUM_JOINTS), bool)
    crops = predicted_keypoints(people_of(truth, recipe.box_scale), pixels, seen, size, BONES, SIDES)
    rows = evenly_spread(len(truth), EXAMPLES)
    true = (truth.joints - truth.joints[:, :1])[rows, :NUM_JOINTS]
    beside = [_from_the_side(predicted[row], pose, len(crops[0])) for row, pose in zip(rows, true, strict=True)]
    return np.concatenate([crops, np.stack(beside)], axis=2)


def augmented_samples(recipe: H36M3D, *, data: Path, seed: int, count: int) -> np.ndarray:
    """Up to ``count`` samples (N, S, S, 3) uint8 RGB of the first epoch with the targets of the joints that count."""
    factor = -(-_LEAST_SIDE // recipe.input_size)
    pictures: list[np.ndarray] = []
    for batch in load(training_batches(recipe, data, seed=seed, cached=False), 0, 0):
        joints = (batch.targets[:, :NUM_JOINTS, :2].double().numpy() + 0.5) * recipe.input_size
        shown = batch.weights[:, :NUM_JOINTS, 0].numpy() > 0
        for n, image in enumerate(batch.images.numpy()[: count - len(pictures)]):
            large = cv2.resize(image.transpose(1, 2, 0), None, fx=factor, fy=factor, interpolation=cv2.INTER_NEAREST)
            # Pixel centres are at integers: pixel k becomes those from factor * k on.
            pictures.append(draw_keypoints(large, (joints[n] + 0.5) * factor - 0.5, shown[n], BONES, SIDES))
        if len(pictures) == count:
            break
    return np.stack(pictures)


def _from_the_side(predicted: np.ndarray, true: np.ndarray, side: int) -> np.ndarray:
    """Root-relative poses (17, 3) in mm on a white square, depth to the right; the true pose is pale grey."""
    seen = np.ones(NUM_JOINTS, bool)
    places, true_places = (pose[:, [2, 1]] / _HEIGHT_MM * side + side / 2 for pose in (predicted, true))
    white = np.full((side, side, 3), 255, dtype=np.uint8)
    dark = draw_keypoints(white, true_places, seen, BONES, ("trunk",) * NUM_JOINTS)
    return draw_keypoints(255 - (255 - dark) // 3, places, seen, BONES, SIDES)
