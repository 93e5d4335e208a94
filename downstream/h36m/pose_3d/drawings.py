"""Human3.6M's joints drawn: predictions on test pictures, 3D poses also from the side, targets on training samples."""

from pathlib import Path

import cv2
import numpy as np

from downstream.h36m.pose_2d.drawings import SIDES
from downstream.h36m.pose_3d.data import PoseBatch, people_of, training_batches
from downstream.h36m.pose_3d.reader import read_h36m_3d
from downstream.h36m.shared.camera import project
from downstream.h36m.shared.prediction_file import PREDICTIONS, read_predictions
from downstream.h36m.shared.recipe import H36M3D
from downstream.heatmap_pose.keypoint_drawings import predicted_keypoints
from downstream.samples.overlay import EXAMPLES, draw_keypoints
from liftedcl.files.evenly_spread import evenly_spread
from liftedcl.skeletons.skeleton import BONES, NUM_JOINTS

_HEIGHT_MM = 2200.0
"""What the side of a picture of a pose shows."""
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
    crops = predicted_keypoints(people_of(truth, recipe), pixels, seen, size, BONES, SIDES)
    rows = evenly_spread(len(truth), EXAMPLES)
    true = (truth.joints - truth.joints[:, :1])[rows, :NUM_JOINTS]
    beside = [_from_the_side(predicted[row], pose, len(crops[0])) for row, pose in zip(rows, true, strict=True)]
    return np.concatenate([crops, np.stack(beside)], axis=2)


def augmented_samples(recipe: H36M3D, *, data: Path, seed: int, count: int) -> np.ndarray:
    """Up to ``count`` samples (N, S, S, 3) uint8 RGB of the first epoch, the joints that count at their targets."""
    batches = training_batches(recipe, data, seed=seed, cached=False)
    drawn: list[np.ndarray] = []
    for step in range(len(batches)):
        drawn += _drawn_targets(batches[step])
        if len(drawn) >= count:
            break
    return np.stack(drawn[:count])


def _drawn_targets(batch: PoseBatch) -> list[np.ndarray]:
    size = batch.images.shape[3]
    factor = -(-_LEAST_SIDE // size)
    joints = (batch.targets[..., :2].double().numpy() + 0.5) * size
    pictures = []
    for image, places, weights in zip(batch.images.numpy(), joints, batch.weights.numpy(), strict=True):
        large = cv2.resize(image.transpose(1, 2, 0), None, fx=factor, fy=factor, interpolation=cv2.INTER_NEAREST)
        shown = weights[:NUM_JOINTS, 0] > 0
        # Pixel centres are at integers: pixel k becomes those from factor * k on.
        places = (places[:NUM_JOINTS] + 0.5) * factor - 0.5
        pictures.append(draw_keypoints(large, places, shown, BONES, SIDES))
    return pictures


def _from_the_side(predicted: np.ndarray, true: np.ndarray, side: int) -> np.ndarray:
    """Root-relative poses (17, 3) in mm on a white square, depth to the right; the true one pale grey."""
    seen = np.ones(NUM_JOINTS, bool)
    places, true_places = (pose[:, [2, 1]] / _HEIGHT_MM * side + side / 2 for pose in (predicted, true))
    white = np.full((side, side, 3), 255, dtype=np.uint8)
    dark = draw_keypoints(white, true_places, seen, BONES, ("trunk",) * NUM_JOINTS)
    return draw_keypoints(255 - (255 - dark) // 3, places, seen, BONES, SIDES)
