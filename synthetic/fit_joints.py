"""Finish a raw bake: scale the body to the height of people and fit the landmark regressor on posed meshes.

Only a change of the body needs this script, and SciPy with it: ``python -m synthetic.fit_joints RAW.npz body.npz``.
Each joint gets non-negative weights that sum to one over the vertices around it, by least squares over random shapes
*and* poses: the counterpart of SMPL's J_regressor_h36m. Prints the error on held-out poses.
"""

import argparse
from pathlib import Path

import numpy as np
from scipy.optimize import nnls

from liftedcl.files.atomic import atomic_path
from liftedcl.identity.errors import run_cli
from synthetic.people.body import Body, forward_kinematics, load_arrays, skin
from synthetic.people.pose import sample_pose, sample_stance

MEAN_HEIGHT_M = 1.70
_CANDIDATES = 120
_SUM_WEIGHT = 100.0


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m synthetic.fit_joints", description=__doc__)
    parser.add_argument("raw", type=Path, help="what bake.py wrote")
    parser.add_argument("out", type=Path, help="the body file to write")
    arguments = parser.parse_args()
    arrays = rescaled(load_arrays(arguments.raw))
    body = Body(
        *(arrays[name].astype(np.float64) for name in ("v_template", "shapedirs", "J_regressor", "weights")),
        faces=arrays["f"],
        landmark_regressor=np.zeros((30, len(arrays["v_template"]))),
    )
    joints = fit_posed_joints(body)
    arrays["landmark_regressor"] = np.concatenate([joints, arrays.pop("face_reg")]).astype(np.float32)
    arrays["posedirs"] = np.zeros((*arrays["v_template"].shape, 207), np.float32)
    with atomic_path(arguments.out) as part, part.open("wb") as file:
        np.savez_compressed(file, **arrays)


def rescaled(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The arrays with lengths scaled so that the mean shape is `MEAN_HEIGHT_M` tall."""
    factor = np.float32(MEAN_HEIGHT_M / np.ptp(arrays["v_template"][:, 1]))
    return arrays | {name: arrays[name] * factor for name in ("v_template", "shapedirs")}


def fit_posed_joints(body: Body) -> np.ndarray:
    """Regressor (24, V) from posed vertices to joints."""
    rng = np.random.default_rng(1)
    vertices, joints = _posed_samples(body, rng, 200)
    held_out_vertices, held_out_joints = _posed_samples(body, rng, 60)
    regressor, errors = np.zeros((24, len(body.v_template))), []
    for joint in range(24):
        distance = np.linalg.norm(body.v_template - body.rest_joints[joint], axis=1)
        near = np.argsort(distance, kind="stable")[:_CANDIDATES]
        equations = vertices[:, near].transpose(0, 2, 1).reshape(-1, len(near))
        equations = np.concatenate([equations, np.full((1, len(near)), _SUM_WEIGHT)])
        weights, _ = nnls(equations, np.append(joints[:, joint].ravel(), _SUM_WEIGHT), maxiter=20000)
        regressor[joint, near] = weights / weights.sum()
        error = np.einsum("v,nvc->nc", regressor[joint], held_out_vertices) - held_out_joints[:, joint]
        errors.append(1000 * np.linalg.norm(error, axis=1).mean())
    print("held-out error of the 24 joints, mm:", np.round(errors, 1).tolist())
    return regressor


def _posed_samples(body: Body, rng: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Vertices (count, V, 3) and joints (count, 24, 3) of random people, the root not turned."""
    vertices, joints = [], []
    for _ in range(count):
        shaped = body.shaped(np.clip(rng.normal(0, 0.9, 10), -2.2, 2.2))
        rest = body.J_regressor @ shaped
        pose = sample_pose(rng, stance=sample_stance(rng))
        pose[0] = np.eye(3)
        vertices.append(skin(shaped, body.weights, rest, pose))
        joints.append(forward_kinematics(rest, pose)[1])
    return np.stack(vertices), np.stack(joints)


if __name__ == "__main__":
    run_cli(main)
