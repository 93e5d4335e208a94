"""Generated people in SPIN's format: joints, bodies and images agree, and splits share no person."""

import dataclasses

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from downstream.pw3d.body.body_model import MIRRORED_JOINTS, TRAINING_JOINTS, TRAINING_LANDMARKS, read_bodies
from downstream.pw3d.body.regressors import read_regressors
from downstream.pw3d.body.skinning import pose_body
from downstream.pw3d.reader import (
    TEST,
    TRAIN,
    annotation_path,
    picture_folder,
    read_annotations,
    read_mix,
    read_shape_split,
)
from downstream.pw3d.reference import rotations_of_6d
from liftedcl.files.image_files import read_image
from synthetic import pw3d
from synthetic.generation import generate
from synthetic.recipes import GeneratedPw3d
from synthetic.smpl_files import mean_pose

RECIPE = GeneratedPw3d(
    seed=1,
    facing=180,
    train_people=20,
    test_people=3,
    train_identities=8,
    test_identities=8,
    one_hall=False,
    width=96,
    height=72,
)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("generated") / "pw3d"
    generate(pw3d.plan(RECIPE), folder, workers=1)
    return folder


def posed(root, samples):
    body = read_bodies(root)[0]
    rotations = Rotation.from_rotvec(samples.pose.reshape(-1, 3)).as_matrix().reshape(-1, 24, 3, 3)
    vertices, tree = pose_body(body, rotations, samples.betas)
    landmarks = [tree, read_regressors(root, body).extra @ vertices, vertices[:, body.face_vertices]]
    return np.concatenate(landmarks, axis=1)[:, TRAINING_LANDMARKS]


def test_every_set_holds_what_its_namesake_does(root):
    assert pw3d.TEST == TEST and tuple(pw3d.TRAIN_SHARES) == TRAIN
    mix = {samples.folder.name: samples for samples, _ in read_mix(root)}
    assert sum(map(len, mix.values())) == 20 and len(read_shape_split(root, TEST)) == 3
    with_bodies = {name for name, samples in mix.items() if samples.has_smpl.all()}
    assert with_bodies == {"h36m_train_protocol1", "lsp_dataset_original_train", "mpii_train", "coco_2014_train"}
    with_joints = {name for name, samples in mix.items() if samples.joints_3d[..., 3].all()}
    assert with_joints == {"h36m_train_protocol1", "mpi_inf_3dhp_train"}
    for samples in mix.values():
        assert samples.joints_2d[..., 2].all()
        assert read_image(samples.folder / samples.names[0]).shape == (72, 96, 3)


def test_joints_are_those_of_the_posed_body(root, capsys):
    """They agree to the last digits: perfect parameters have no error. No regressor needed another order of joints."""
    samples = read_shape_split(root, "h36m_train_protocol1")
    joints = posed(root, samples)
    np.testing.assert_allclose(joints - joints[:, 14:15], samples.joints_3d[..., :3], atol=1e-7)
    assert capsys.readouterr().err == ""


def test_joints_are_inside_their_pictures_and_squares(root):
    for samples, _ in read_mix(root):
        points = samples.joints_2d[..., :2]
        assert (points >= 0).all() and (points <= (95, 71)).all()
        half = 100 * samples.scales[:, None, None]
        assert (np.abs(points - samples.centres[:, None]) <= half / 1.2 + 1e-6).all()
        longest = np.abs(points - samples.centres[:, None]).max(axis=(1, 2))
        np.testing.assert_allclose(longest * 1.2, half[:, 0, 0])


@pytest.mark.parametrize("name", ["h36m_train_protocol1", "coco_2014_train"])
def test_joints_lie_on_the_person_in_the_picture(root, name):
    """Most joints are at pixels of the person, and the image on disk is the one that shows them."""
    samples = read_annotations(annotation_path(root, name), picture_folder(root, name))
    shown = []
    for number in range(3):
        _, frame = pw3d.scene_at(RECIPE, name, number)
        written = read_image(samples.folder / samples.names[number])
        assert np.abs(written.astype(int) - frame.image).mean() < 6  # JPEG
        column, row = np.rint(samples.joints_2d[number, :, :2]).astype(int).T
        shown.append(frame.instance[row, column] == 1)
    assert np.mean(shown) > 0.7


def test_sides_are_the_persons_own(root):
    """The left hip and shoulder of a person who faces the camera are at larger x; seen from behind, at smaller x."""
    joint, facing = {name: n for n, name in enumerate(TRAINING_JOINTS)}, 0
    samples = read_shape_split(root, "h36m_train_protocol1")
    S, points = samples.joints_3d, samples.joints_2d
    for n in range(len(samples)):
        across = S[n, joint["left_shoulder"], :3] - S[n, joint["right_shoulder"], :3]
        up = S[n, joint["neck"], :3] - S[n, joint["pelvis"], :3]
        ahead = np.cross(across, up) / np.linalg.norm(across) / np.linalg.norm(up)
        if abs(ahead[2]) > 0.5 and up[1] < -0.2:
            side = -np.sign(ahead[2])  # the camera looks along +z
            apart = points[n, joint["left_shoulder"], 0] - points[n, joint["right_shoulder"], 0]
            assert side * apart > 0
            facing += 1
    assert facing >= 3


def test_people_are_upright_in_the_cameras_frame_and_of_human_size(root):
    samples = read_shape_split(root, TEST)
    joints = posed(root, samples)
    # The camera's y axis points down; a few people lie.
    assert np.median(joints[:, TRAINING_JOINTS.index("neck"), 1] - joints[:, 14, 1]) < -0.3
    thigh = np.linalg.norm(joints[:, 1] - joints[:, 2], axis=1)
    assert ((thigh > 0.3) & (thigh < 0.55)).all()


def test_the_test_set_shares_nobody_with_the_training_sets(root):
    test = read_shape_split(root, TEST).betas
    train = np.concatenate([samples.betas[samples.has_smpl] for samples, _ in read_mix(root)])
    assert np.abs(test[:, None] - train[None]).max(axis=2).min() > 0.01


def test_the_mean_parameters_are_a_symmetric_upright_pose(root):
    with np.load(root / "smpl" / "smpl_mean_params.npz") as file:
        rotations = rotations_of_6d(file["pose"])
    np.testing.assert_allclose(rotations, mean_pose(), atol=1e-9)
    np.testing.assert_allclose(rotations[0] @ [0, 1, 0], [0, -1, 0], atol=1e-9)
    vectors = Rotation.from_matrix(rotations).as_rotvec()
    np.testing.assert_allclose(vectors[1:], vectors[MIRRORED_JOINTS[1:]] * [1, -1, -1], atol=0.15)


def test_any_order_of_chunks_gives_the_same_files(root, tmp_path):
    plan = pw3d.plan(RECIPE)
    name = "mpi_inf_3dhp_train"
    chunk = next(chunk for chunk in plan.chunks if chunk[0] == name)
    labels = pw3d.render_chunk(tmp_path, RECIPE, chunk)
    for file in labels["files"]:
        assert (tmp_path / file).read_bytes() == (root / file).read_bytes()
    before = {path.name: path.read_bytes() for path in (root / "dataset_extras").iterdir()}
    (root / "dataset_extras" / f"{name}.npz").unlink()
    generate(plan, root, workers=1)
    assert {path.name: path.read_bytes() for path in (root / "dataset_extras").iterdir()} == before


def test_every_person_of_the_recipe_is_in_some_set():
    for count in (20, 37, 600):
        recipe = dataclasses.replace(RECIPE, train_people=count)
        sizes = [pw3d.set_size(recipe, name) for name in TRAIN]
        assert sum(sizes) == count and min(sizes) >= 1


def test_one_hall_holds_all_sets_and_its_people_are_few():
    recipe = dataclasses.replace(RECIPE, one_hall=True, train_identities=2, test_identities=1)
    scenes = {name: [pw3d.scene_at(recipe, name, number)[0] for number in range(4)] for name in (TEST, TRAIN[1])}
    assert len({id(scene.environment) for several in scenes.values() for scene in several}) == 1
    bodies = {name: {tuple(scene.people[0].person.betas) for scene in several} for name, several in scenes.items()}
    assert len(bodies[TEST]) == 1 and len(bodies[TRAIN[1]]) == 2 and not bodies[TEST] & bodies[TRAIN[1]]


def test_people_in_a_hall_face_its_camera():
    """Up to the angle between the camera's axis and the place where somebody stands."""
    recipe = dataclasses.replace(RECIPE, facing=30, one_hall=True)
    for number in range(12):
        scene, _ = pw3d.scene_at(recipe, TEST, number)
        forward = scene.camera.rotation.T @ scene.people[0].pose[0][:, 2]
        if scene.people[0].pose[0][1, 1] > 0.7:
            assert np.degrees(np.arctan2(forward[0], -forward[2])) == pytest.approx(0, abs=36)
