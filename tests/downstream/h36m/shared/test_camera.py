"""Camera conventions, on real Human3.6M frames where these are at hand."""

import json

import numpy as np
from scipy.spatial.transform import Rotation

from downstream.h36m.shared.camera import back_project, project, project_through_lens, world_to_camera
from downstream.reading.restricted_pickle import load_plain


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


def test_lens_bends_by_the_distance_from_the_axis():
    """Radial terms alone scale about the principal point; none at all is the plain projection."""
    rng = np.random.default_rng(3)
    points = rng.normal(0, 500, (4, 17, 3)) + np.array([0, 0, 4000])
    f, c = rng.uniform(900, 1200, (4, 2)), rng.uniform(400, 600, (4, 2))
    k, p = rng.uniform(0.1, 0.3, (4, 3)), np.zeros((4, 2))
    straight = project(points, f, c)
    np.testing.assert_allclose(project_through_lens(points, f, c, 0 * k, p), straight)
    x, y, z = points[2, 5]
    r2 = (x**2 + y**2) / z**2
    bent = (straight[2, 5] - c[2]) * (1 + k[2, 0] * r2 + k[2, 1] * r2**2 + k[2, 2] * r2**3) + c[2]
    np.testing.assert_allclose(project_through_lens(points, f, c, k, p)[2, 5], bent)


def test_real_frames_reproject(realdata):
    """That sample stores R transposed and T in metres, and its pixels have the lens distortion."""
    folder = realdata("h36m/mmpose_4frames")
    cameras = load_plain(folder / "cameras.pkl", "copy the sample again")
    sample = json.loads((folder / "h36m_coco.json").read_text())
    for image, annotation in zip(sample["images"], sample["annotations"], strict=True):
        subject, camera_id = image["file_name"].split("_")[0], image["file_name"].split(".")[1].split("_")[0]
        camera = cameras[subject, camera_id]
        f, c, k, p = (camera[key].reshape(1, -1) for key in "fckp")
        world = np.array(annotation["keypoints_3d"]).reshape(1, 17, 4)[..., :3] * 1000
        points = world_to_camera(world, camera["R"].T[None], camera["T"].reshape(1, 3) * 1000)
        measured = np.array(annotation["keypoints"]).reshape(17, 3)[:, :2]
        np.testing.assert_allclose(project_through_lens(points, f, c, k, p)[0], measured, atol=0.2)
        # The 3D benchmark's annotations have no lens: this is what that costs.
        np.testing.assert_allclose(project(points, f, c)[0], measured, atol=2.5)
