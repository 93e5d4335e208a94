"""Scores of human shape on 3DPW, from predicted SMPL parameters alone; numpy, no torch.

The published protocol (Kolotouros et al. 2019; Xu et al. 2020): joints are J_regressor_h36m times the vertices, less
its pelvis; the 14 LSP joints are compared, as they are (MPJPE) and after the best similarity (the reconstruction error,
PA-MPJPE). The truth is the body model of the annotated gender, the prediction the neutral one. PVE is the mean
distance of the vertices after both meshes were shifted to their pelvis, which is what papers of the field report.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation

from downstream import metrics
from downstream.pw3d.body_model import GENDERS, LSP_ROWS, BodyArrays, Regressors
from downstream.pw3d.reader import ShapeSamples
from downstream.pw3d.skinning import pose_body
from downstream.reading.npz_file import read_arrays
from liftedcl.files.atomic import atomic_path
from liftedcl.files.evenly_spread import evenly_spread
from liftedcl.identity.errors import InputError

_REMEDY = "make it with python -m downstream.finetune"
_CHUNK_BYTES = 64 << 20
_COMPARED = 500
"""People; another body model shows at any of them."""
_AGREEMENT_M = 1e-3
"""How far stored joints may be from those of the stored parameters: float32 and TF32 are well within."""


@dataclass(frozen=True)
class Predictions:
    """What predictions.npz holds, N people in the order of the annotations.

    Attributes:
        rotations: (N, 24, 3, 3) local rotations, the first one in the camera's frame.
        betas: (N, 10).
        camera: (N, 3), the weak-perspective scale and shift in the crop; not scored.
        joints: (N, 14, 3) LSP joints less the pelvis, metres.
    """

    rotations: np.ndarray
    betas: np.ndarray
    camera: np.ndarray
    joints: np.ndarray


def score(predicted_joints: np.ndarray, vertex_errors: np.ndarray | None, true_joints: np.ndarray) -> dict[str, Any]:
    """What goes into metrics.json, in mm.

    Args:
        predicted_joints: (N, 14, 3) LSP joints less the pelvis, metres.
        vertex_errors: (N,) mean distance of each person's vertices, metres; None leaves PVE out.
        true_joints: as ``predicted_joints``.
    """
    predicted, truth = predicted_joints * 1000.0, true_joints * 1000.0
    scores = {"pa_mpjpe_mm": metrics.pa_mpjpe(predicted, truth), "mpjpe_mm": metrics.mpjpe(predicted, truth)}
    if vertex_errors is not None:
        scores["pve_mm"] = float(vertex_errors.mean() * 1000.0)
    return scores | {"samples": len(truth)}


def score_parameters(
    rotations: np.ndarray,
    betas: np.ndarray,
    truth: ShapeSamples,
    bodies: tuple[BodyArrays, BodyArrays, BodyArrays],
    regressors: Regressors,
) -> dict[str, Any]:
    """`score` of predicted parameters: rotations (N, 24, 3, 3) and betas (N, 10), posed here, some people at a time.

    Args:
        bodies: neutral, male and female.
    """
    predicted_joints, true_joints, errors = [], [], []
    for part in _chunks(len(truth), len(bodies[0].v_template)):
        predicted = _centred(bodies[0], regressors, rotations[part], betas[part])
        true = true_bodies(truth, part, bodies, regressors)
        predicted_joints.append(predicted[0])
        true_joints.append(true[0])
        errors.append(np.linalg.norm(predicted[1] - true[1], axis=2).mean(axis=1))
    return score(np.concatenate(predicted_joints), np.concatenate(errors), np.concatenate(true_joints))


def true_bodies(
    truth: ShapeSamples,
    part: slice,
    bodies: tuple[BodyArrays, BodyArrays, BodyArrays],
    regressors: Regressors,
) -> tuple[np.ndarray, np.ndarray]:
    """LSP joints (n, 14, 3) and vertices (n, V, 3), less the pelvis, of some people's annotated bodies, in metres."""
    genders = truth.gender[part]
    joints, vertices = np.empty((len(genders), 14, 3)), np.empty((len(genders), len(bodies[0].v_template), 3))
    rotations, betas = pose_matrices(truth.pose[part]), truth.betas[part]
    for gender in range(len(GENDERS)):
        chosen = genders == gender
        if chosen.any():
            joints[chosen], vertices[chosen] = _centred(bodies[gender], regressors, rotations[chosen], betas[chosen])
    return joints, vertices


def lsp_joints(rotations: np.ndarray, betas: np.ndarray, body: BodyArrays, regressors: Regressors) -> np.ndarray:
    """LSP joints (N, 14, 3) less the pelvis, in metres, of parameters (N, 24, 3, 3) and (N, 10)."""
    chunks = _chunks(len(betas), len(body.v_template))
    return np.concatenate([_centred(body, regressors, rotations[part], betas[part])[0] for part in chunks])


def pose_matrices(pose: np.ndarray) -> np.ndarray:
    """Rotation matrices (N, 24, 3, 3) of axis-angle poses (N, 72)."""
    return Rotation.from_rotvec(pose.reshape(-1, 3)).as_matrix().reshape(-1, 24, 3, 3)


def write_predictions(path: Path, predictions: Predictions, names: list[str]) -> None:
    """Write predictions.npz: ``pose`` (N, 24, 3, 3), ``betas``, ``camera``, ``joints`` as `Predictions`, ``images``.

    Vertices are left out, being 700 kB a person: they follow from the parameters and the body model.
    """
    with atomic_path(path) as part, part.open("wb") as file:
        np.savez_compressed(
            file,
            pose=predictions.rotations,
            betas=predictions.betas,
            camera=predictions.camera,
            joints=predictions.joints,
            images=np.array(names),
        )


def read_predictions(path: Path, truth: ShapeSamples) -> Predictions:
    """Read predictions for ``truth``, in its order.

    Raises:
        InputError: missing, damaged, of wrong shapes, no rotations, or made for other people.
    """
    arrays = read_arrays(path, ("pose", "betas", "camera", "joints", "images"), _REMEDY)
    count = len(truth)
    if arrays["images"].tolist() != truth.names:
        raise InputError(f"{path}: made for other people than those of the annotations; {_REMEDY}")
    for name, shape in (("pose", (24, 3, 3)), ("betas", (10,)), ("camera", (3,)), ("joints", (14, 3))):
        found = arrays[name]
        if found.shape != (count, *shape) or found.dtype.kind != "f" or not np.isfinite(found).all():
            expected = ("N", *shape)
            raise InputError(f"{path}: {name} is {found.shape} {found.dtype}, not finite floats {expected}; {_REMEDY}")
    rotations = arrays["pose"].astype(np.float64)
    # In single precision: networks round to about 1e-6.
    off = np.abs(rotations @ np.swapaxes(rotations, 2, 3) - np.eye(3)).max(axis=(1, 2, 3))
    good = (off < 1e-3) & (np.linalg.det(rotations) > 0).all(axis=1)
    if not good.all():
        raise InputError(f"{path}: sample {int(np.argmin(good))}: pose holds a matrix that is no rotation; {_REMEDY}")
    betas, camera, joints = (arrays[name].astype(np.float64) for name in ("betas", "camera", "joints"))
    return Predictions(rotations=rotations, betas=betas, camera=camera, joints=joints)


def check_joints(predictions: Predictions, body: BodyArrays, regressors: Regressors, path: Path) -> None:
    """Whether the stored joints are those of the stored parameters on this body, of people spread over the file.

    Raises:
        InputError: they are not: the predictions were made with another body model.
    """
    some = evenly_spread(len(predictions.joints), _COMPARED)
    joints = lsp_joints(predictions.rotations[some], predictions.betas[some], body, regressors)
    worst = np.abs(joints - predictions.joints[some]).max()
    if worst > _AGREEMENT_M:
        raise InputError(
            f"{path}: joints are up to {worst * 1000:.1f} mm from those of pose and betas on this body; "
            "name the --body that the predictions were made with"
        )


def _centred(
    body: BodyArrays, regressors: Regressors, rotations: np.ndarray, betas: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    vertices, _ = pose_body(body, rotations, betas)
    joints = regressors.h36m @ vertices
    return joints[:, LSP_ROWS] - joints[:, :1], vertices - joints[:, :1]


def _chunks(count: int, vertices: int) -> list[slice]:
    size = max(_CHUNK_BYTES // (vertices * 200), 1)
    return [slice(first, min(first + size, count)) for first in range(0, count, size)]
