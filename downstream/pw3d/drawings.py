"""Pictures of the shape benchmark: bodies drawn over their crops, and targets drawn over augmented crops."""

from pathlib import Path

import cv2
import numpy as np
import torch

from downstream.pw3d.augmentation import pyramid
from downstream.pw3d.body.body_model import TRAINING_JOINTS, read_bodies
from downstream.pw3d.body.regressors import read_regressors
from downstream.pw3d.body.skinning import pose_body
from downstream.pw3d.body.smpl_layer import TrainingJoints
from downstream.pw3d.crops import plain_crops
from downstream.pw3d.data import ShapeBatches
from downstream.pw3d.network.shape_network import translations
from downstream.pw3d.predictions import FULL_SIZE, read_predictions
from downstream.pw3d.reader import TEST, read_mix, read_shape_split
from downstream.pw3d.recipe import PW3D
from downstream.pw3d.shape_losses import targets_of
from downstream.samples.overlay import EXAMPLES, draw_keypoints
from downstream.training.epoch_batches import load
from liftedcl.files.evenly_spread import evenly_spread

_SHOWN_SIZE = 224
"""Smaller crops are enlarged to about this in pictures, so that drawings can be told apart."""

_LIGHT, _DARK = np.array([205.0, 215.0, 245.0]), np.array([30.0, 35.0, 60.0])
"""RGB of a surface that faces the camera, and of one that is seen from its edge."""

_BONES = (
    (0, 1), (1, 2), (2, 14), (14, 3), (3, 4), (4, 5), (6, 7), (7, 8), (8, 15), (15, 9), (9, 10), (10, 11), (14, 16),
    (16, 15), (15, 12), (12, 13),
)  # fmt: skip
_SIDES = tuple({"left": "l", "right": "r"}.get(name.split("_")[0], "trunk") for name in TRAINING_JOINTS)


def examples(recipe: PW3D, data: Path, run: Path) -> np.ndarray:
    """Up to 12 test crops (n, S, S, 3) uint8, spread evenly, with the bodies predicted at full size over them."""
    test, body = read_shape_split(data, TEST), read_bodies(data)[0]
    found = read_predictions(run / FULL_SIZE, test)
    chosen, scale = evenly_spread(len(test), EXAMPLES), _enlargement(recipe.input_size)
    vertices, _ = pose_body(body, found.rotations[chosen], found.betas[chosen])
    cameras = torch.from_numpy(found.camera[chosen])
    placed = vertices + translations(cameras, focal_length=recipe.focal_length, size=recipe.input_size).numpy()[:, None]
    crops = plain_crops(test, scale * recipe.input_size, batch_size=1)
    focal_length = scale * recipe.focal_length
    people = zip(chosen.tolist(), placed, strict=True)
    return np.stack([draw_mesh(crops.crop(n), mesh, body.faces, focal_length=focal_length) for n, mesh in people])


def augmented_samples(recipe: PW3D, *, data: Path, seed: int, count: int) -> np.ndarray:
    """The first ``count`` training samples (count, S, S, 3) uint8 as the network gets them at full size.

    The 2D joints are drawn over them and, where the body is known, its mesh as augmented and seen by the fitted camera.
    """
    bodies = read_bodies(data)
    joints = TrainingJoints(bodies[0], read_regressors(data, bodies[0]))
    batches = ShapeBatches(read_mix(data), recipe, seed=seed, cached=False)
    scale, pictures = _enlargement(recipe.input_size), []
    for batch in load(batches, 0, 0):
        targets = targets_of(batch, joints, recipe, "cpu")
        meshes, _ = pose_body(bodies[0], targets.rotations.double().numpy(), batch.betas.double().numpy())
        placed = meshes + targets.places.double().numpy()[:, None]
        images = pyramid(batch.images.float() / 255, batch.colours[:1], batch.sizes[:1]).mul(255).round().byte()
        places = ((batch.keypoints_2d[..., :2] + 1) * recipe.input_size / 2).double().numpy()
        for n in range(min(len(images), count - len(pictures))):
            image = np.repeat(np.repeat(images[n].permute(1, 2, 0).numpy(), scale, axis=0), scale, axis=1)
            if targets.has_place[n] > 0:
                focal_length = scale * recipe.focal_length
                image = draw_mesh(image, placed[n], bodies[0].faces, focal_length=focal_length, opacity=0.5)
            # A pixel becomes ``scale`` pixels, whose middle is (scale - 1) / 2 further on.
            known = batch.keypoints_2d[n, :, 2].numpy() > 0
            pictures.append(draw_keypoints(image, scale * places[n] + (scale - 1) / 2, known, _BONES, _SIDES))
        if len(pictures) == count:
            break
    return np.stack(pictures)


def draw_mesh(
    image: np.ndarray, vertices: np.ndarray, faces: np.ndarray, *, focal_length: float, opacity: float = 0.85
) -> np.ndarray:
    """A copy of ``image`` with a shaded mesh over it, painted from the far side to the near one.

    Args:
        image: (H, W, 3) uint8 RGB, whose middle the camera looks at.
        vertices: (V, 3) in the camera's frame (x right, y down); nothing is drawn if any is behind the camera.
        faces: (F, 3), counter-clockwise seen from outside.
        focal_length: in px of ``image``.
    """
    if not (np.isfinite(vertices).all() and vertices[:, 2].min() > 0):
        return image.copy()
    height, width = image.shape[:2]
    points = vertices[:, :2] / vertices[:, 2:] * focal_length + (width / 2, height / 2)
    points = np.clip(points, -4 * width, 4 * width)
    corners = vertices[faces]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    middles = corners.mean(axis=1)
    lengths = np.linalg.norm(normals, axis=1) * np.linalg.norm(middles, axis=1)
    facing = -(normals * middles).sum(axis=1) / np.maximum(lengths, 1e-12)  # 1: square on, 0: from the edge
    seen = np.flatnonzero(facing > 0)
    seen = seen[np.argsort(-middles[seen, 2], kind="stable")]
    colours = _DARK + facing[seen, None] * (_LIGHT - _DARK)
    polygons = np.rint(points[faces[seen]] * 16).astype(np.int32)
    painted, covered = np.ascontiguousarray(image).copy(), np.zeros((height, width), dtype=np.uint8)
    for polygon, colour in zip(polygons, colours.tolist(), strict=True):
        cv2.fillConvexPoly(painted, polygon, colour, cv2.LINE_8, 4)
        cv2.fillConvexPoly(covered, polygon, 1, cv2.LINE_8, 4)
    blended = cv2.addWeighted(painted, opacity, np.ascontiguousarray(image), 1 - opacity, 0)
    return np.where(covered[..., None] > 0, blended, image)


def _enlargement(size: int) -> int:
    return max(1, round(_SHOWN_SIZE / size))
