"""The shipped body under the names of SMPL's files, so that generated and licensed bodies are read by the same code.

Neutral, male and female are the same body here: the shapes of generated people have no gender.
"""

from pathlib import Path

import numpy as np

from downstream.pw3d.files import GENDERS, MEAN_PARAMETERS, REGRESSORS
from liftedcl.files.atomic import atomic_path
from synthetic.keypoints import H36M_MAP, MPII_MAP, h36m_regressor
from synthetic.people.body import NOSE, RIGHT_EAR, Body, load_arrays, load_body
from synthetic.people.pose import sample_pose, sample_stance
from synthetic.people.rotation import axis_angle_to_matrix

EXTRA_MAP = np.concatenate([MPII_MAP[[2, 3, 8, 9, 6, 7]], H36M_MAP[[7, 9, 10]]])
"""(9, 30), J_regressor_extra's rows: right hip, left hip, neck, top, pelvis and thorax of MPII, spine, jaw and head of
Human3.6M."""
_SMPL_ARRAYS = ("v_template", "shapedirs", "posedirs", "J_regressor", "weights", "f", "kintree_table")
_POSES_AVERAGED = 200
_MEAN_CAMERA = (0.9, 0.0, 0.0)
"""Scale and shift of SPIN's mean parameters: the body fills 90% of the crop."""


def write_smpl_files(folder: Path) -> None:
    """Write the three body files, both regressors and the mean parameters."""
    body, arrays = load_body(), load_arrays()
    stored = {name: arrays[name] for name in _SMPL_ARRAYS} | {"face_vertices": face_vertices(body)}
    for gender in GENDERS:
        with atomic_path(folder / f"{gender}.npz") as part, part.open("wb") as file:
            np.savez_compressed(file, **stored)
    for name, regressor in zip(REGRESSORS.values(), (h36m_regressor(body), extra_regressor(body)), strict=True):
        with atomic_path(folder / name) as part, part.open("wb") as file:
            np.save(file, regressor)
    with atomic_path(folder / MEAN_PARAMETERS) as part, part.open("wb") as file:
        pose = mean_pose()[:, :, :2].reshape(144)  # 6D (Zhou et al. 2019): the first two columns, row by row
        np.savez(file, pose=pose, shape=np.zeros(10), cam=np.array(_MEAN_CAMERA))


def extra_regressor(body: Body) -> np.ndarray:
    """J_regressor_extra (9, V) from posed vertices to the joints of `EXTRA_MAP`."""
    return EXTRA_MAP @ body.landmark_regressor


def face_vertices(body: Body) -> np.ndarray:
    """The vertices (5,) nearest to nose, left eye, right eye, left ear and right ear."""
    places = body.landmark_regressor[NOSE : RIGHT_EAR + 1] @ body.v_template
    distances = np.linalg.norm(body.v_template[None] - places[:, None], axis=2)
    return distances.argmin(axis=1)


def mean_pose() -> np.ndarray:
    """Mean rotation of each joint over sampled poses, (24, 3, 3), upright before a camera whose y axis points down.

    It averages poses that no image shows, so that the regression starts without knowledge of any label.
    """
    rng = np.random.default_rng(0)
    total = sum(sample_pose(rng, stance=sample_stance(rng)) for _ in range(_POSES_AVERAGED))
    left, _, right = np.linalg.svd(total)
    guard = np.ones((24, 3))
    guard[:, 2] = np.linalg.det(left @ right)
    mean = (left * guard[:, None]) @ right
    mean[0] = axis_angle_to_matrix(np.array([np.pi, 0.0, 0.0]))
    return mean
