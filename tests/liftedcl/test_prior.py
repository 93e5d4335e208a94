"""Sampled skeletons: the paper's appendix B to the letter where it is exact, and people's joints where it is not."""

import dataclasses
import json
import subprocess
import sys

import numpy as np
import pytest
from repository import REPOSITORY

from liftedcl.identity.errors import InputError
from liftedcl.identity.recipe import read_recipe, to_json
from liftedcl.prior import sample_joints, sample_skeletons
from liftedcl.recipes.data_recipes import Skeletons
from liftedcl.skeletons.skeleton import BONE_LENGTHS_CM, BONES, FLIP_PAIRS, JOINTS, PARENTS
from workflow.params import read_params

N = 4000
JOINT = {name: number for number, name in enumerate(JOINTS)}


def recipe_of(composition):
    return read_params(REPOSITORY / "params.yaml", {"skeletons": {"composition": composition}}).skeletons


@pytest.fixture(scope="module", params=["chained", "global"])
def recipe(request):
    return recipe_of(request.param)


@pytest.fixture(scope="module")
def chained():
    return recipe_of("chained")


def rng(seed=0):
    return np.random.default_rng([seed])


def sample_poses(n, recipe):
    return sample_joints(n, rng(), recipe).transpose(2, 0, 1)


def bones(joints):
    return {JOINTS[child]: joints[:, child] - joints[:, parent] for parent, child in BONES}


def angle(first, second):
    cosine = (first * second).sum(-1) / np.linalg.norm(first, axis=-1) / np.linalg.norm(second, axis=-1)
    return np.degrees(np.arccos(np.clip(cosine, -1, 1)))


def test_root_at_zero_and_norm_one(recipe):
    skeletons = sample_skeletons(N, rng(), recipe)
    assert skeletons.shape == (N, 17, 3) and skeletons.dtype == np.float32
    assert (skeletons[:, 0] == 0).all()
    np.testing.assert_allclose(np.linalg.norm(skeletons.reshape(N, -1), axis=1), 1, atol=1e-6)


def test_length_ratios_fill_their_range(recipe):
    for name, vectors in bones(sample_poses(N, recipe)).items():
        ratios = np.linalg.norm(vectors, axis=1) / BONE_LENGTHS_CM[name]
        assert 0.9 - 1e-6 <= ratios.min() < 0.902 and 1.098 < ratios.max() <= 1.1 + 1e-6
        assert abs(ratios.mean() - 1) < 0.005


def test_views_turn_about_the_vertical_axis_only(recipe):
    poses = sample_poses(N, recipe)
    poses /= np.linalg.norm(poses, axis=(1, 2), keepdims=True)
    skeletons = sample_skeletons(N, rng(), recipe)
    np.testing.assert_allclose(skeletons[..., 1], poses[..., 1], atol=1e-6)
    flat, turned = poses[..., 0] + 1j * poses[..., 2], skeletons[..., 0] + 1j * skeletons[..., 2]
    phase = (turned * flat.conj()).sum(1)
    phase /= abs(phase)
    np.testing.assert_allclose(turned, flat * phase[:, None], atol=1e-6)  # a rotation, and no mirror image
    histogram, _ = np.histogram(np.angle(phase), bins=8, range=(-np.pi, np.pi))
    assert histogram.min() > 0.8 * N / 8  # every view as likely


def test_angles_between_bones_stay_in_their_ranges(chained):
    vectors = bones(sample_poses(N, chained))
    for name, angles in chained.ranges["chained"].items():
        parent = JOINTS[PARENTS[JOINT[name]]]
        before = np.array([0.0, -1.0, 0.0]) if parent == "root" else vectors[parent]
        bend = angle(vectors[name], before)
        low = 0 if angles.a[0] <= 0 else angles.a[0]
        high = max(abs(angles.a[0]), angles.a[1])
        assert low - 1e-6 <= bend.min() and bend.max() <= high + 1e-6, name
        assert bend.min() < low + 2 and bend.max() > high - 2, name


@pytest.mark.parametrize(
    ("joint", "low", "high"),
    [
        ("rankle", 0, 155), ("rwrist", 0, 150), ("relbow", 5, 125), ("rknee", 45, 110),
        ("neck", -10, 40), ("nose", 10, 90), ("head", 30, 110), ("rshoulder", 70, 130),
    ],
)  # fmt: skip
def test_ranges_are_those_of_people(chained, joint, low, high):
    angles = chained.ranges["chained"][joint]
    assert low <= angles.a[0] and angles.a[1] <= high


def test_knees_and_elbows_are_hinges_that_bend_one_way(chained):
    vectors = bones(sample_poses(N, chained))
    # The pelvis faces +z and a leg that is neither spread nor twisted stays in its plane. There a shank behind a
    # hanging thigh, y x -z, and one that hangs from a thigh raised in front, z x y, both give the axis -x.
    straight = dataclasses.replace(chained.ranges["chained"]["rknee"], a=(90.0, 90.0), c=(0.0, 0.0))
    level = dataclasses.replace(chained.ranges["chained"]["rhip"], a=(90.0, 90.0), b=(-90.0, -90.0))
    ranges = {"chained": {**chained.ranges["chained"], "rknee": straight, "rhip": level}}
    leg = bones(sample_poses(N, dataclasses.replace(chained, ranges=ranges)))
    axis = np.cross(leg["rknee"], leg["rankle"])
    np.testing.assert_allclose(axis[:, 1:], 0, atol=1e-3)  # the hinge is the pelvis's own axis ...
    assert (axis[:, 0] <= 1e-6).all() and axis[:, 0].min() < -1000  # ... and the knee only bends backwards
    for joint, above in (("rankle", "rknee"), ("lankle", "lknee"), ("rwrist", "relbow"), ("lwrist", "lelbow")):
        b = chained.ranges["chained"][joint].b
        assert b[0] == b[1] and chained.ranges["chained"][joint].a[0] >= 0
        assert angle(vectors[joint], vectors[above]).max() > 140


def test_a_hanging_arm_bends_forward(chained):
    fixed = {
        name: dataclasses.replace(chained.ranges["chained"][name], **change)
        for name, change in {
            "belly": {"a": (0, 0), "b": (0, 0), "c": (0, 0)},
            "neck": {"a": (0, 0), "b": (0, 0), "c": (0, 0)},
            "rshoulder": {"a": (90, 90), "b": (-90, -90)},
            "lshoulder": {"a": (90, 90), "b": (90, 90)},
            "relbow": {"a": (90, 90), "b": (0, 0), "c": (0, 0)},
            "lelbow": {"a": (90, 90), "b": (0, 0), "c": (0, 0)},
            "rwrist": {"a": (90, 90)},
            "lwrist": {"a": (90, 90)},
        }.items()
    }
    ranges = {"chained": {**chained.ranges["chained"], **fixed}}
    arm = bones(sample_poses(5, dataclasses.replace(chained, ranges=ranges)))
    for side, right in (("r", 1), ("l", -1)):
        assert (arm[f"{side}shoulder"] @ [right, 0, 0] > 0.89 * BONE_LENGTHS_CM["rshoulder"]).all()
        assert (arm[f"{side}elbow"] @ [0, 1, 0] > 0.89 * BONE_LENGTHS_CM["relbow"]).all()  # down
        assert (arm[f"{side}wrist"] @ [0, 0, 1] > 0.89 * BONE_LENGTHS_CM["rwrist"]).all()  # forward


def test_a_trunk_that_leans_to_the_left_still_faces_forward(chained):
    still = dict.fromkeys("abc", (0.0, 0.0))
    lean = {
        "belly": dataclasses.replace(chained.ranges["chained"]["belly"], a=(30, 30), b=(90, 90), c=(0, 0)),
        "neck": dataclasses.replace(chained.ranges["chained"]["neck"], **still),
        "nose": dataclasses.replace(chained.ranges["chained"]["nose"], **still | {"a": (90, 90)}),
    }
    ranges = {"chained": chained.ranges["chained"] | lean}
    trunk = bones(sample_poses(5, dataclasses.replace(chained, ranges=ranges)))
    for name in ("belly", "neck"):
        upward = trunk[name] / np.linalg.norm(trunk[name], axis=1, keepdims=True)
        np.testing.assert_allclose(upward, [[-0.5, -np.sqrt(0.75), 0]] * 5, atol=1e-6)  # their left is at -x
    assert (trunk["nose"][:, 2] > 0.89 * BONE_LENGTHS_CM["nose"]).all()


def test_left_mirrors_right(recipe):
    table = recipe.ranges[recipe.composition]
    mirrored = lambda low_high: (-low_high[1], -low_high[0])  # noqa: E731
    for right, left in FLIP_PAIRS:
        assert table[JOINTS[left]].a == table[JOINTS[right]].a
        assert table[JOINTS[left]].b == mirrored(table[JOINTS[right]].b)
        assert table[JOINTS[left]].c == mirrored(table[JOINTS[right]].c)
    joints = sample_poses(20000, recipe)
    for right, left in FLIP_PAIRS:
        np.testing.assert_allclose(joints[:, right].mean(0), joints[:, left].mean(0) * [-1, 1, 1], atol=1.2)


def test_people_stand_upright_and_are_not_spiders(chained):
    joints = sample_poses(N, chained)
    assert (joints[:, JOINT["neck"], 1] < -25).all()  # shoulders above the pelvis
    assert (joints[:, JOINT["head"], 1] < joints[:, JOINT["root"], 1]).all()
    assert np.median(joints[:, JOINT["rankle"], 1]) > 20  # feet usually below it
    assert (joints[:, JOINT["rhip"], 0] > 0).all() and (joints[:, JOINT["lhip"], 0] < 0).all()


def test_the_papers_example_is_the_rule_of_global():
    knee = recipe_of("global").ranges["global"]["rknee"]
    assert (knee.a, knee.b, knee.c) == ((-90, 90), (-180, 180), (-90, 90))


def test_global_rotations_are_those_of_scipy():
    from scipy.spatial.transform import Rotation

    from liftedcl.prior import global_directions
    from liftedcl.skeletons.skeleton import TEMPLATE_BONES_CM

    angles = rng().uniform(-3, 3, (50, 16, 3))
    turns = Rotation.from_euler("xyz", angles.reshape(-1, 3))  # lower case: about fixed axes, x first
    bone = np.tile(TEMPLATE_BONES_CM / np.linalg.norm(TEMPLATE_BONES_CM, axis=1, keepdims=True), (50, 1))
    directions = global_directions(angles.transpose(1, 2, 0)).transpose(2, 0, 1)
    np.testing.assert_allclose(directions.reshape(-1, 3), turns.apply(bone), atol=1e-12)


def test_chained_rotations_are_those_of_scipy():
    from scipy.spatial.transform import Rotation

    from liftedcl.prior import TRUNK_AXES, chained_directions

    angles = rng().uniform(-3, 3, (3, 16, 3))
    directions = chained_directions(angles.transpose(1, 2, 0)).transpose(2, 0, 1)
    for sample in range(3):
        frames = {0: Rotation.from_matrix(TRUNK_AXES.T)}
        for bone, (parent, child) in enumerate(BONES):
            a, b, c = angles[sample, bone]
            twist = c - b if JOINTS[child] in ("belly", "neck") else c
            frames[child] = frames[parent] * Rotation.from_euler("YXY", [b, a, twist])
            np.testing.assert_allclose(directions[sample, bone], frames[child].apply([0, 1, 0]), atol=1e-12)


def test_seeds(recipe):
    first = sample_skeletons(100, rng(0), recipe)
    assert first.tobytes() == sample_skeletons(100, rng(0), recipe).tobytes()
    other = sample_skeletons(100, rng(1), recipe)
    assert not (np.abs(first - other) < 1e-3).all(axis=(1, 2)).any()
    assert abs(np.corrcoef(first[:, 1:, 0].ravel(), other[:, 1:, 0].ravel())[0, 1]) < 0.2


def test_command_line(tmp_path, chained):
    recipe = tmp_path / "recipe.json"
    recipe.write_text(to_json(dataclasses.replace(chained, count=50)))
    for name in ("a", "b"):
        command = [sys.executable, "-m", "liftedcl.prior", "--recipe", str(recipe)]
        command += ["--out", str(tmp_path / name / "s.npy"), "--figure", str(tmp_path / name / "figure7.png")]
        subprocess.run(command, check=True, cwd=REPOSITORY)
    assert np.load(tmp_path / "a" / "s.npy", allow_pickle=False).shape == (50, 17, 3)
    for name in ("s.npy", "figure7.png"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_mistakes_in_the_table_are_named(chained):
    for change, message in (
        (lambda table: table["ranges"]["chained"].pop("nose"), "ranges.chained"),
        (lambda table: table["ranges"]["chained"]["nose"].update(a=[9, 3]), r"nose\.a"),
        (lambda table: table["ranges"]["chained"]["nose"].update(d=[9, 3]), r"nose\.d"),
        (lambda table: table["ranges"].pop("chained"), "ranges.chained"),
        (lambda table: table.update(composition="local"), "composition"),
        (lambda table: table.update(length_ratio=[1.1, 0.9]), "length_ratio"),
    ):
        table = json.loads(to_json(chained))
        change(table)
        with pytest.raises(InputError, match=message):
            read_recipe(Skeletons, json.dumps(table))
