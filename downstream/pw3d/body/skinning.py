"""The posed body in numpy (Loper et al. 2015, equations 2-10), so that evaluation needs no torch."""

import numpy as np

from downstream.pw3d.body.body_model import PARENTS, BodyArrays


def pose_body(body: BodyArrays, rotations: np.ndarray, betas: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Vertices and joints of posed bodies whose root joint stays where the shape puts it.

    Args:
        rotations: (N, 24, 3, 3), of each joint against its parent; the first turns the whole body.
        betas: (N, 10).

    Returns:
        Vertices (N, V, 3) and joints (N, 24, 3), metres. Memory is about 200 bytes for each vertex of each sample.
    """
    count = len(betas)
    shaped = body.v_template + (betas @ body.shapedirs.reshape(-1, betas.shape[1]).T).reshape(count, -1, 3)
    rest = body.J_regressor @ shaped
    correctives = (rotations[:, 1:] - np.eye(3)).reshape(count, -1) @ body.posedirs.reshape(-1, 207).T
    turned, joints = forward_kinematics(rotations, rest)
    shifts = joints - np.einsum("njab,njb->nja", turned, rest)
    transforms = np.concatenate([turned, shifts[..., None]], axis=3).reshape(count, 24, 12)
    blended = (body.weights @ transforms).reshape(count, -1, 3, 4)
    vertices = np.einsum("nvab,nvb->nva", blended[..., :3], shaped + correctives.reshape(shaped.shape))
    return vertices + blended[..., 3], joints


def forward_kinematics(rotations: np.ndarray, rest: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Global rotations (N, 24, 3, 3) and places (N, 24, 3) of joints at rest (N, 24, 3) under local rotations."""
    turned, joints = np.empty_like(rotations, dtype=np.float64), np.empty_like(rest)
    turned[:, 0], joints[:, 0] = rotations[:, 0], rest[:, 0]
    for joint in range(1, 24):
        parent = PARENTS[joint]
        turned[:, joint] = turned[:, parent] @ rotations[:, joint]
        bone = (rest[:, joint] - rest[:, parent])[..., None]
        joints[:, joint] = joints[:, parent] + (turned[:, parent] @ bone)[..., 0]
    return turned, joints
