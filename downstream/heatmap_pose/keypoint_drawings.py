"""Drawings of test crops with predicted joints, and of training samples with their targets."""

from collections.abc import Sequence

import cv2
import numpy as np

from downstream.heatmap_pose.heatmap_recipe import HeatmapPose
from downstream.heatmap_pose.keypoint_data import KeypointBatches
from downstream.samples.crop import apply_affine
from downstream.samples.overlay import EXAMPLES, draw_keypoints
from downstream.samples.people import LabelledPeople, People
from downstream.samples.plain_crops import PlainCrops
from liftedcl.files.evenly_spread import evenly_spread

_HEIGHT = 256
"""Px; smaller crops are enlarged to about this height, so that the drawings can be read."""


def predicted_keypoints(
    people: People,
    joints: np.ndarray,
    visible: np.ndarray,
    size: tuple[int, int],
    bones: Sequence[tuple[int, int]],
    sides: Sequence[str],
) -> np.ndarray:
    """Crops (<= 12, H, W, 3) of some of the ``people``, spread evenly, with predictions drawn on them.

    Args:
        joints: predicted, (N, J, 2) px of the images.
        visible: which of them to draw, (N, J) bool.
        size: width and height of the network's input, whose aspect the crops have.
    """
    size = _enlarged(size)
    crops = PlainCrops(people, size, batch_size=1)
    placed = apply_affine(crops.matrices, joints)
    chosen = evenly_spread(len(people), EXAMPLES).tolist()
    return np.stack([draw_keypoints(crops.crop(n), placed[n], visible[n], bones, sides) for n in chosen])


def augmented_keypoints(
    train: LabelledPeople,
    recipe: HeatmapPose,
    mirrored: np.ndarray,
    bones: Sequence[tuple[int, int]],
    sides: Sequence[str],
    *,
    seed: int,
    count: int,
) -> np.ndarray:
    """The first ``count`` training samples (count, H, W, 3) of the first epoch, with their targets drawn on them.

    Args:
        mirrored: joint order after a mirror image, (J,) int.
    """
    size = recipe.input_width, recipe.input_height
    shown = _enlarged(size)
    batches = KeypointBatches(train, recipe, mirrored, seed=seed, cached=False)
    order = np.random.default_rng([seed, 0]).permutation(len(train))[:count]
    batch = batches.batch(order)
    factor = shown[0] / size[0]
    placed = (batch.joints.double().numpy() + 0.5) * factor - 0.5  # as resizing moves the centres of pixels
    pictures = []
    for image, joints, visible in zip(batch.images.numpy(), placed, batch.visible.numpy() > 0, strict=True):
        image = cv2.resize(np.ascontiguousarray(image.transpose(1, 2, 0)), shown, interpolation=cv2.INTER_NEAREST)
        pictures.append(draw_keypoints(image, joints, visible, bones, sides))
    return np.stack(pictures)


def _enlarged(size: tuple[int, int]) -> tuple[int, int]:
    factor = max(1, round(_HEIGHT / size[1]))
    return size[0] * factor, size[1] * factor
