"""Generated people: the body, its keypoints and the renderer's ground truth agree with each other."""

import dataclasses

import numpy as np
import pytest

from liftedcl.skeletons.skeleton import JOINTS
from synthetic import coco
from synthetic.keypoints import COCO_MAP, H36M_MAP, coco_visibility, h36m_regressor
from synthetic.people.body import HEAD_TOP, LEFT_HIP, RIGHT_HIP, forward_kinematics, load_arrays, load_body, skin
from synthetic.people.person import sample_person, stand
from synthetic.people.pose import sample_motion, sample_pose, sample_stance
from synthetic.people.rotation import axis_angle_to_matrix, matrix_to_axis_angle, slerp
from synthetic.recipes import GeneratedCoco
from synthetic.renderer.camera import Camera, look_at
from synthetic.renderer.environment import sample_environment
from synthetic.renderer.render import render
from synthetic.scene import split_cast
from synthetic.textures.textures import TextureBank, mipmapped
from synthetic.textures.weave import SIZE

RECIPE = GeneratedCoco(seed=3, facing=180, train_scenes=30, val_scenes=12, width=320, height=240)


@pytest.fixture(scope="module")
def scenes():
    return [coco.SCENES.at(RECIPE, "train", number) for number in range(30)]


def _facing_camera() -> Camera:
    """A camera in front of a person who stands at the origin and faces +z."""
    centre = np.array([0.0, 1.0, 3.5])
    return Camera(look_at(centre, np.array([0, 0.9, 0.0])), centre, 300.0, 99.5, 149.5, 200, 300)


def _standing(seed: int, pose: np.ndarray):
    bank = TextureBank((seed,), variants=2)
    return stand(sample_person(bank, np.random.default_rng(seed)), pose, np.zeros(2))


def test_body_has_smpl_arrays_and_human_height():
    arrays = load_arrays()
    vertices = len(arrays["v_template"])
    assert arrays["shapedirs"].shape == (vertices, 3, 10) and arrays["posedirs"].shape == (vertices, 3, 207)
    assert arrays["J_regressor"].shape == (24, vertices) == arrays["weights"].T.shape
    assert arrays["kintree_table"].shape == (2, 24) and arrays["f"].max() < vertices
    assert 1.65 < np.ptp(arrays["v_template"][:, 1]) < 1.75
    for name in ("J_regressor", "landmark_regressor"):
        np.testing.assert_allclose(arrays[name].sum(1), 1, atol=1e-3)


def test_people_face_the_camera_as_far_as_the_recipe_says():
    """Apart from those who lie: their trunk is level."""
    angles = []
    for number in range(60):
        scene, _ = coco.SCENES.at(dataclasses.replace(RECIPE, facing=40), "train", number)
        for person in scene.people:
            (x, _, z), (to_x, _, to_z) = person.pose[0][:, 2], scene.camera.centre - person.translation
            if person.pose[0][1, 1] > 0.7:
                angles.append(np.degrees(np.arctan2(x * to_z - z * to_x, x * to_x + z * to_z)))
    assert 30 < np.abs(angles).max() < 41 and min(angles) < 0 < max(angles)


def test_landmark_regressor_finds_the_joints_of_posed_bodies():
    body, rng, errors = load_body(), np.random.default_rng(99), []
    for _ in range(20):
        shaped = body.shaped(np.clip(rng.normal(0, 0.9, 10), -2.2, 2.2))
        joints = body.J_regressor @ shaped
        pose = sample_pose(rng, stance=sample_stance(rng))
        regressed = body.landmark_regressor[:24] @ skin(shaped, body.weights, joints, pose)
        errors.append(np.linalg.norm(regressed - forward_kinematics(joints, pose)[1], axis=1))
    assert np.mean(errors, axis=0).max() < 0.008


def test_three_dimensional_joints_are_what_the_regressor_reads_off_the_mesh():
    posed = _standing(4, sample_pose(np.random.default_rng(1), stance="sit"))
    body = load_body()
    naked = skin(posed.person.body_vertices, body.weights, posed.person.rest_joints, posed.pose) + posed.translation
    np.testing.assert_allclose(h36m_regressor(body) @ naked, H36M_MAP @ posed.landmarks, atol=1e-9)


def test_rotations_invert_and_interpolate():
    axis_angle = np.random.default_rng(0).normal(0, 1.2, (50, 3))
    axis_angle *= np.minimum(1, 3.1 / np.linalg.norm(axis_angle, axis=1, keepdims=True))
    rotation = axis_angle_to_matrix(axis_angle)
    np.testing.assert_allclose(matrix_to_axis_angle(rotation), axis_angle, atol=1e-9)
    half_turn = axis_angle_to_matrix(np.array([[0, np.pi, 0]]))
    np.testing.assert_allclose(np.abs(matrix_to_axis_angle(half_turn)), [[0, np.pi, 0]], atol=1e-6)
    start, end = rotation[:25], rotation[25:]
    np.testing.assert_allclose(slerp(start, end, 1.0), end, atol=1e-9)
    twice = slerp(start, slerp(start, end, 0.5), 2.0)
    np.testing.assert_allclose(twice, end, atol=1e-8)


def test_motion_is_continuous():
    motion = sample_motion(np.random.default_rng(2), stances=("step",), arms=("down",), key_poses=4, range_m=0.5)
    joints = []
    for fraction in np.linspace(0, 0.999, 120):
        pose, place = motion.at(fraction)
        joints.append(forward_kinematics(load_body().rest_joints, pose)[1] + [place[0], 0, place[1]])
    assert np.linalg.norm(np.diff(joints, axis=0), axis=-1).max() < 0.12


def test_left_side_is_right_in_the_picture_of_somebody_who_faces_the_camera():
    person = _standing(5, np.broadcast_to(np.eye(3), (24, 3, 3)))
    camera = _facing_camera()
    x = camera.project(person.landmarks)[:, 0]
    assert x[LEFT_HIP] > x[RIGHT_HIP]
    h36m = camera.project(H36M_MAP @ person.landmarks)[:, 0]
    for joint, name in enumerate(JOINTS):
        if name.startswith("l"):
            assert h36m[joint] > h36m[JOINTS.index("r" + name[1:])]
    assert person.landmarks[HEAD_TOP, 1] > 1.4


def test_face_keypoints_are_hidden_from_behind():
    camera = _facing_camera()
    environment = sample_environment(TextureBank((1,), 2), np.random.default_rng(0), indoor=False, reach=5)
    flags = []
    for yaw in (0.0, np.pi):
        pose = np.broadcast_to(np.eye(3), (24, 3, 3)).copy()
        pose[0] = axis_angle_to_matrix(np.array([0, yaw, 0]))
        person = _standing(6, pose)
        frame = render([person], [], environment, camera, np.random.default_rng(0))
        projected = camera.project(COCO_MAP @ person.landmarks)
        flags.append(coco_visibility(projected, frame.instance, frame.part, frame.depth, 1))
    assert flags[0][0] == 2 and (flags[1][:3] == 1).all()


def test_visible_joints_lie_in_the_mask_and_all_joints_in_the_silhouette(scenes):
    visible_inside, inside = [], []
    for scene, frame in scenes:
        for number, person in enumerate(scene.people, start=1):
            alone = render([person], [], scene.environment, scene.camera, np.random.default_rng(0)).instance == 1
            projected = scene.camera.project(COCO_MAP @ person.landmarks)
            flags = coco_visibility(projected, frame.instance, frame.part, frame.depth, number)
            columns, rows = np.round(projected[:, :2]).astype(int).T
            shown = flags == 2
            visible_inside += (frame.instance[rows[shown], columns[shown]] == number).tolist()
            inside += alone[rows[flags > 0], columns[flags > 0]].tolist()
    assert len(inside) > 500
    assert np.mean(visible_inside) >= 0.99 and np.mean(inside) >= 0.99


def test_labels_are_lip_classes_and_cover_exactly_the_people(scenes):
    seen = set()
    for scene, frame in scenes:
        assert frame.label.max() <= 19 and frame.instance.max() <= len(scene.people)
        assert ((frame.label > 0) == (frame.instance > 0)).all()
        assert ((frame.part > 0) == (frame.instance > 0)).all()
        assert np.isfinite(frame.depth).all() and frame.depth.min() > 0
        seen |= set(np.unique(frame.label))
    assert len(seen) >= 15


def test_people_nearer_than_the_room_have_the_depth_of_their_joints(scenes):
    for scene, frame in scenes:
        for number, person in enumerate(scene.people, start=1):
            mask = frame.instance == number
            if mask.sum() > 100:
                depth = scene.camera.to_camera(person.vertices)[:, 2]
                assert depth.min() - 0.01 <= frame.depth[mask].min() <= frame.depth[mask].max() <= depth.max() + 0.01


def test_splits_share_no_identity_and_no_texture():
    def people(split):
        cast, bank = split_cast(coco.SCENES, RECIPE, split)
        persons = [cast.person(number) for number in range(cast.size)]
        rng = np.random.default_rng(0)
        return [p.betas.tobytes() for p in persons], bank.draw(rng, "plaid").tobytes(), bank.key

    (train, train_plaid, train_key), (val, val_plaid, val_key) = people("train"), people("val")
    assert not set(train) & set(val) and len(set(train)) == len(train)
    assert train_plaid != val_plaid and train_key != val_key


def test_mipmaps_keep_the_mean():
    texture = np.random.default_rng(0).uniform(0, 255, (SIZE, SIZE, 3))
    packed = mipmapped(texture).astype(float)
    assert abs(packed[: SIZE // 2, SIZE:].mean() - texture.mean()) < 1
    assert np.abs(packed[SIZE - 2, SIZE] - texture.mean((0, 1))).max() < 3
