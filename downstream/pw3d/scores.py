"""Scores of human shape on 3DPW, from predicted SMPL parameters alone; numpy, no torch.

The published protocol (Kolotouros et al. 2019; Xu et al. 2020): joints are J_regressor_h36m times the vertices, less
its pelvis; the 14 LSP joints are compared, as they are (MPJPE) and after the best similarity (the reconstruction error,
PA-MPJPE). The truth is the body model of the annotated gender, the prediction the neutral one. PVE is the mean
distance of the vertices after both meshes were shifted to their pelvis, as papers of the field report it.
"""

from pathlib import Path
from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation

from downstream import metrics
from downstream.pw3d.body.body_model import GENDERS, Bodies, read_bodies
from downstream.pw3d.body.posed_people import centred, chunks, lsp_joints
from downstream.pw3d.body.regressors import Regressors, read_regressors
from downstream.pw3d.predictions import FULL_SIZE, LOW_SIZE, REMEDY, read_predictions
from downstream.pw3d.reader import TEST, TRUTH, ShapeSamples, annotation_path, read_annotations
from downstream.pw3d.recipe import PW3D
from liftedcl.files.array_file import read_arrays
from liftedcl.files.evenly_spread import evenly_spread
from liftedcl.identity.errors import InputError

_COMPARED = 500
"""Number of people whose joints are compared; another body model shows at any of them."""
_AGREEMENT_M = 1e-3
"""Largest distance of stored joints from those of the stored parameters; float32 and TF32 stay far below it."""


def score_run(recipe: PW3D, data: Path, run: Path) -> dict[str, Any]:
    """The contents of metrics.json: scores at ``input_size`` px, and under ``at_N`` those at N px.

    ``resolution_scalars`` is how many RSC-Net had for each resolution in this backbone.
    """
    truth = annotation_path(data, TEST)
    full, low = (score_file(truth, data, run / name) for name in (FULL_SIZE, LOW_SIZE))
    scalars = read_arrays(run / FULL_SIZE, ("resolution_scalars",), REMEDY)["resolution_scalars"]
    if scalars.shape or scalars.dtype.kind not in "iu" or scalars < 0:
        raise InputError(f"{run / FULL_SIZE}: resolution_scalars is {scalars.tolist()!r}, not a count; {REMEDY}")
    sizes = {"input_size": recipe.input_size, f"at_{recipe.low_test_size}": low}
    return full | sizes | {"resolution_scalars": int(scalars)}


def score_file(annotations: Path, bodies_root: Path, predictions: Path) -> dict[str, Any]:
    """`score_parameters` of predictions.npz against an annotation file; no image is looked for.

    Args:
        bodies_root: ``smpl/`` with bodies and regressors, or the folder above it.

    Raises:
        InputError: a file that is missing or damaged, or predictions for other people or with another body.
    """
    truth = read_annotations(annotations, annotations.parent, TRUTH)
    bodies = read_bodies(bodies_root)
    regressors = read_regressors(bodies_root, bodies[0])
    found = read_predictions(predictions, truth)
    if found.joints is not None:  # they show on which body the parameters are meant
        some = evenly_spread(len(truth), _COMPARED)
        joints = lsp_joints(found.rotations[some], found.betas[some], bodies[0], regressors)
        worst = np.abs(joints - found.joints[some]).max()
        if worst > _AGREEMENT_M:
            raise InputError(
                f"{predictions}: joints are up to {worst * 1000:.1f} mm from those of pose and betas on this body; "
                "name the --body that the predictions were made with, or leave joints out"
            )
    return score_parameters(found.rotations, found.betas, truth, bodies, regressors)


def score(predicted_joints: np.ndarray, vertex_errors: np.ndarray, true_joints: np.ndarray) -> dict[str, Any]:
    """Scores in mm of LSP joints (N, 14, 3) less the pelvis and mean distances (N,) of vertices, both in metres."""
    predicted, truth = predicted_joints * 1000.0, true_joints * 1000.0
    return {
        "pa_mpjpe_mm": metrics.pa_mpjpe(predicted, truth),
        "mpjpe_mm": metrics.mpjpe(predicted, truth),
        "pve_mm": float(vertex_errors.mean() * 1000.0),
        "samples": len(truth),
    }


def score_parameters(
    rotations: np.ndarray, betas: np.ndarray, truth: ShapeSamples, bodies: Bodies, regressors: Regressors
) -> dict[str, Any]:
    """`score` of predicted parameters, rotations (N, 24, 3, 3) and betas (N, 10), posed for some people at a time."""
    predicted_joints, true_joints, errors = [], [], []
    for part in chunks(len(truth), len(bodies[0].v_template)):
        predicted = centred(bodies[0], regressors, rotations[part], betas[part])
        true = true_bodies(truth, part, bodies, regressors)
        predicted_joints.append(predicted[0])
        true_joints.append(true[0])
        errors.append(np.linalg.norm(predicted[1] - true[1], axis=2).mean(axis=1))
    return score(np.concatenate(predicted_joints), np.concatenate(errors), np.concatenate(true_joints))


def true_bodies(
    truth: ShapeSamples, part: slice, bodies: Bodies, regressors: Regressors
) -> tuple[np.ndarray, np.ndarray]:
    """LSP joints (n, 14, 3) and vertices (n, V, 3), less the pelvis, of some people's annotated bodies, in metres."""
    genders = truth.gender[part]
    joints, vertices = np.empty((len(genders), 14, 3)), np.empty((len(genders), len(bodies[0].v_template), 3))
    rotations, betas = pose_matrices(truth.pose[part]), truth.betas[part]
    for gender in range(len(GENDERS)):
        chosen = genders == gender
        if chosen.any():
            joints[chosen], vertices[chosen] = centred(bodies[gender], regressors, rotations[chosen], betas[chosen])
    return joints, vertices


def pose_matrices(pose: np.ndarray) -> np.ndarray:
    """Rotation matrices (N, 24, 3, 3) of axis-angle poses (N, 72)."""
    return Rotation.from_rotvec(pose.reshape(-1, 3)).as_matrix().reshape(-1, 24, 3, 3)
