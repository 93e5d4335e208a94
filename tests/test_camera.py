"""Camera conventions, on real Human3.6M frames where these are at hand."""

import io
import json
import pickle

import numpy as np
from scipy.spatial.transform import Rotation

from downstream.camera import back_project, project, world_to_camera


def test_back_projection_undoes_projection():
    rng = np.random.default_rng(0)
    points = rng.normal(0, 500, (6, 17, 3)) + np.array([0, 0, 4000])
    f, c = rng.uniform(1000, 1200, (6, 2)), rng.uniform(400, 600, (6, 2))
    np.testing.assert_allclose(back_project(project(points, f, c), points[..., 2], f, c), points)


def test_camera_looks_along_its_third_row():
    R = Rotation.random(3, rng=np.random.default_rng(1)).as_matrix()
    t = np.random.default_rng(2).normal(0, 3000, (3, 3))
    ahead = t + 1000 * R[:, 2]
    np.testing.assert_allclose(world_to_camera(ahead[:, None], R, t)[:, 0], [[0, 0, 1000]] * 3, atol=1e-9)
    np.testing.assert_allclose(project(np.array([[[0, 0, 1000.0]]]), np.full((1, 2), 9.0), np.full((1, 2), 5.0)), 5)


class ArraysOnly(pickle.Unpickler):
    """Unpickles numpy arrays and nothing else."""

    def find_class(self, module, name):
        allowed = {"_reconstruct", "ndarray", "dtype", "scalar"}
        if module.split(".")[0] == "numpy" and name in allowed:
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"{module}.{name} is not allowed")


def with_lens(straight: np.ndarray, k: np.ndarray, p: np.ndarray) -> np.ndarray:
    """Distortion of Human3.6M's own tools on normalised coordinates (N, 2); its tangential factor is 1, not 2."""
    r2 = np.square(straight).sum(1, keepdims=True)
    radial = 1 + k[0] * r2 + k[1] * r2**2 + k[2] * r2**3
    return straight * (radial + straight @ p[::-1, None]) + p[::-1] * r2


def test_real_frames_reproject(realdata):
    """That sample stores R transposed and T in metres, and its pixels have the lens distortion."""
    folder = realdata("h36m/mmpose_4frames")
    cameras = ArraysOnly(io.BytesIO((folder / "cameras.pkl").read_bytes())).load()
    sample = json.loads((folder / "h36m_coco.json").read_text())
    for image, annotation in zip(sample["images"], sample["annotations"], strict=True):
        subject, camera_id = image["file_name"].split("_")[0], image["file_name"].split(".")[1].split("_")[0]
        camera = cameras[subject, camera_id]
        f, c, k, p = (camera[key].ravel() for key in "fckp")
        world = np.array(annotation["keypoints_3d"]).reshape(1, 17, 4)[..., :3] * 1000
        points = world_to_camera(world, camera["R"].T[None], camera["T"].reshape(1, 3) * 1000)
        measured = np.array(annotation["keypoints"]).reshape(17, 3)[:, :2]
        normalised = project(points, np.ones((1, 2)), np.zeros((1, 2)))[0]
        np.testing.assert_allclose(with_lens(normalised, k, p) * f + c, measured, atol=0.2)
        # The benchmark's annotations have no lens: this is what that costs.
        np.testing.assert_allclose(project(points, f[None], c[None])[0], measured, atol=2.5)
