"""Joints and vertices of posed bodies less the pelvis, as the 3DPW protocol compares them. numpy, no torch."""

import numpy as np

from downstream.pw3d.body.body_model import LSP_ROWS, BodyArrays
from downstream.pw3d.body.regressors import Regressors
from downstream.pw3d.body.skinning import pose_body

_CHUNK_BYTES = 64 << 20


def lsp_joints(rotations: np.ndarray, betas: np.ndarray, body: BodyArrays, regressors: Regressors) -> np.ndarray:
    """LSP joints (N, 14, 3) less the pelvis, in metres, of parameters (N, 24, 3, 3) and (N, 10)."""
    parts = chunks(len(betas), len(body.v_template))
    return np.concatenate([centred(body, regressors, rotations[part], betas[part])[0] for part in parts])


def centred(
    body: BodyArrays, regressors: Regressors, rotations: np.ndarray, betas: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """LSP joints (N, 14, 3) and vertices (N, V, 3), less the pelvis, in metres."""
    vertices, _ = pose_body(body, rotations, betas)
    joints = regressors.h36m @ vertices
    return joints[:, LSP_ROWS] - joints[:, :1], vertices - joints[:, :1]


def chunks(count: int, vertices: int) -> list[slice]:
    """Slices of ``count`` people whose bodies, of so many ``vertices``, are posed within `_CHUNK_BYTES` of memory."""
    size = max(_CHUNK_BYTES // (vertices * 200), 1)
    return [slice(first, min(first + size, count)) for first in range(0, count, size)]
