"""The mean-body predictor, which doesn't look at the image and which a fine-tuned encoder must beat, and the bound.

Two constant bodies are candidates: the mean parameters that the regression starts from, and the mean over the training
sets as they are mixed, global orientation included. The body with the lower reconstruction error is reported.
"""

from pathlib import Path
from typing import Any

import numpy as np

from downstream.pw3d.body.body_model import read_bodies, read_mean_parameters
from downstream.pw3d.body.regressors import read_regressors
from downstream.pw3d.reader import TEST, ShapeSamples, read_mix, read_shape_split
from downstream.pw3d.recipe import PW3D
from downstream.pw3d.scores import pose_matrices, score_parameters


def reference_scores(recipe: PW3D, data: Path) -> dict[str, Any]:
    """Scores of the stronger predictor; ``predictor`` says which it is, ``candidates`` what both reach.

    Raises:
        InputError: data that is missing or damaged.
    """
    bodies, test = read_bodies(data), read_shape_split(data, TEST)
    regressors, mean = read_regressors(data, bodies[0]), read_mean_parameters(data)
    parameters = {
        "mean_parameters": (rotations_of_6d(mean.pose), mean.shape),
        "training_mean": training_mean(read_mix(data)),
    }
    candidates = {}
    for name, (rotations, betas) in parameters.items():
        repeated = np.broadcast_to(rotations, (len(test), 24, 3, 3)), np.broadcast_to(betas, (len(test), 10))
        candidates[name] = score_parameters(*repeated, test, bodies, regressors)
    best = min(candidates, key=lambda name: candidates[name]["pa_mpjpe_mm"])
    errors = {name: {key: row[key] for key in row if key.endswith("_mm")} for name, row in candidates.items()}
    return {**candidates[best], "predictor": best, "candidates": errors}


def bound_scores(recipe: PW3D, data: Path) -> dict[str, Any]:
    """Scores of the true parameters in the network's form (6D rotations and betas, float32), on the neutral body.

    The truth is on the body of the annotated gender, so that this is above 0 where the bodies differ. Other betas may
    come a little closer on the neutral body.
    """
    bodies, test = read_bodies(data), read_shape_split(data, TEST)
    columns = pose_matrices(test.pose)[..., :2].reshape(len(test), 144).astype(np.float32)
    rotations, betas = rotations_of_6d(columns), test.betas.astype(np.float32)
    return score_parameters(rotations, betas, test, bodies, read_regressors(data, bodies[0]))


def training_mean(mix: list[tuple[ShapeSamples, float]]) -> tuple[np.ndarray, np.ndarray]:
    """Mean rotations (24, 3, 3) and betas (10,) of the people with SMPL parameters, sets weighted by their shares."""
    rotations, betas, weights = np.zeros((24, 3, 3)), np.zeros(10), 0.0
    for samples, share in mix:
        chosen = samples.has_smpl
        if chosen.any():
            rotations += share * pose_matrices(samples.pose[chosen]).mean(axis=0)
            betas += share * samples.betas[chosen].mean(axis=0)
            weights += share
    return nearest_rotations(rotations / max(weights, 1e-12)), betas / max(weights, 1e-12)


def nearest_rotations(matrices: np.ndarray) -> np.ndarray:
    """The rotations (N, 3, 3) nearest to matrices (N, 3, 3): the mean rotation when given a mean of matrices."""
    left, _, right = np.linalg.svd(matrices)
    signs = np.ones((len(matrices), 1, 3))
    signs[:, 0, 2] = np.where(np.linalg.det(left @ right) < 0, -1.0, 1.0)
    return (left * signs) @ right


def rotations_of_6d(pose: np.ndarray) -> np.ndarray:
    """Rotations (..., 24, 3, 3) of the 6D form (..., 144): two columns, row by row (Zhou et al. 2019, as in SPIN)."""
    columns = pose.reshape(*pose.shape[:-1], 24, 3, 2)
    first = columns[..., 0] / np.linalg.norm(columns[..., 0], axis=-1, keepdims=True)
    second = columns[..., 1] - (first * columns[..., 1]).sum(axis=-1, keepdims=True) * first
    second /= np.linalg.norm(second, axis=-1, keepdims=True)
    return np.stack([first, second, np.cross(first, second)], axis=-1)
