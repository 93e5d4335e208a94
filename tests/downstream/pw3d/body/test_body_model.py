"""Body files and regressors: which joint is which, by geometry, and what every bad file is told."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from tiny.pw3d import EXTRA, h36m_regressor, joint_rows, smpl_arrays, write_body_files

from downstream.pw3d.body import body_model as bm
from downstream.pw3d.body.regressors import read_regressors
from downstream.pw3d.body.skinning import pose_body
from liftedcl.identity.errors import InputError
from synthetic.people import body as synthetic
from synthetic.smpl_files import write_smpl_files


@pytest.fixture(scope="module")
def shipped(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shipped")
    write_smpl_files(folder / "smpl")
    return folder


@pytest.fixture
def root(tmp_path):
    write_body_files(tmp_path)
    return tmp_path


def test_right_joints_are_on_the_persons_right(shipped):
    """The body faces +z and +y is up, so that its right side is at smaller x: for all three sets of joints."""
    body = bm.read_bodies(shipped)[0]
    regressors = read_regressors(shipped, body)
    tree = body.J_regressor @ body.v_template
    lsp = (regressors.h36m @ body.v_template)[bm.LSP_ROWS]
    landmarks = np.concatenate([tree, regressors.extra @ body.v_template, body.v_template[body.face_vertices]])
    training = landmarks[bm.TRAINING_LANDMARKS]
    assert (lsp[[0, 1, 2, 6, 7, 8], 0] < -0.05).all() and (lsp[[3, 4, 5, 9, 10, 11], 0] > 0.05).all()
    for name, place in zip(bm.TRAINING_JOINTS, training, strict=True):
        side = -1 if name.startswith("right") else 1 if name.startswith("left") else 0
        assert np.sign(round(place[0], 2)) == side, name
    heights = lsp[:, 1]
    assert heights[0] < heights[1] < heights[2] < heights[12] < heights[13]
    for joints, mirrored in ((tree, bm.MIRRORED_JOINTS), (training, bm.MIRRORED_TRAINING_JOINTS)):
        np.testing.assert_allclose(joints[mirrored], joints * [-1, 1, 1], atol=0.01)


def test_training_joints_are_where_their_names_say(shipped):
    body = bm.read_bodies(shipped)[0]
    extra = read_regressors(shipped, body).extra @ body.v_template
    tree = body.J_regressor @ body.v_template
    landmarks = np.concatenate([tree, extra, body.v_template[body.face_vertices]])[bm.TRAINING_LANDMARKS]
    place = dict(zip(bm.TRAINING_JOINTS, landmarks, strict=True))
    upwards = ["left_ankle", "left_knee", "left_hip", "spine", "thorax", "neck", "left_ear", "head_top"]
    assert (np.diff([place[name][1] for name in upwards]) > 0).all()
    assert place["nose"][2] > place["left_eye"][2] > place["left_ear"][2]
    assert place["left_wrist"][0] > place["left_elbow"][0] > place["left_shoulder"][0] > place["left_hip"][0]


LEGS = {1: 4, 2: 5, 3: 6, 4: 1, 5: 2, 6: 3}
ORDERS = {
    "left and right arm": {11: 14, 12: 15, 13: 16, 14: 11, 15: 12, 16: 13},
    "both sides": LEGS | {11: 14, 12: 15, 13: 16, 14: 11, 15: 12, 16: 13},
    "right leg reversed": {1: 3, 3: 1},
    "left leg reversed": {4: 6, 6: 4},
    "both legs reversed": {1: 3, 3: 1, 4: 6, 6: 4},
    "legs exchanged and reversed": {1: 6, 2: 5, 3: 4, 4: 3, 5: 2, 6: 1},
    "left arm reversed": {11: 13, 13: 11},
    "right arm reversed": {14: 16, 16: 14},
    "arm and leg": {4: 11, 5: 12, 6: 13, 11: 4, 12: 5, 13: 6},
    "spine and neck": {7: 8, 8: 7},
    "trunk reversed": {0: 10, 7: 9, 9: 7, 10: 0},
    **{f"{one} and {two}": {one: two, two: one} for one, two in itertools.combinations(range(17), 2)},
}
"""Rows of another order: row -> the row that stands there. All pairs of rows are among them."""


def arranged(regressor, order):
    return regressor[[order.get(row, row) for row in range(17)]]


def shaped(body, seed):
    """The same person in other proportions, two standard deviations of each shape parameter off in the mean."""
    betas = np.random.default_rng(seed).normal(0, 2, 10) if seed else np.zeros(10)
    return replace(body, v_template=body.v_template + body.shapedirs @ betas)


@pytest.mark.parametrize("seed", range(5))
def test_the_joints_of_any_person_are_known_by_their_place(shipped, seed, tmp_path, capsys):
    """The right order is taken, exchanged legs are put right, and every other order is refused in one line."""
    plain = bm.read_bodies(shipped)[0]
    body, right = shaped(plain, seed), read_regressors(shipped, plain)
    folder = tmp_path / "smpl"
    folder.mkdir()
    path = folder / "J_regressor_h36m.npy"
    np.save(folder / "J_regressor_extra.npy", right.extra)
    np.save(path, right.h36m)
    np.testing.assert_array_equal(read_regressors(tmp_path, body).h36m, right.h36m)
    assert capsys.readouterr().err == ""
    np.save(path, arranged(right.h36m, LEGS))
    np.testing.assert_array_equal(read_regressors(tmp_path, body).h36m, right.h36m)
    said = capsys.readouterr().err
    assert "left leg is in rows 1-3" in said and said.count("\n") == 1
    rng = np.random.default_rng(seed)
    shuffled = {f"random {n}": dict(enumerate(rng.permutation(17).tolist())) for n in range(20)}
    for name, order in {**ORDERS, **shuffled}.items():
        np.save(path, arranged(right.h36m, order))
        with pytest.raises(InputError) as error:
            read_regressors(tmp_path, body)
        message = str(error.value)
        assert message.startswith(f"{path}: not in Human3.6M's order") and "\n" not in message, name
        assert "docs/data/pw3d.md" in message


def test_rows_that_are_elsewhere_are_named(root):
    body = bm.read_bodies(root)[0]
    np.testing.assert_array_equal(read_regressors(root, body).h36m, h36m_regressor())
    np.save(root / "smpl" / "J_regressor_h36m.npy", arranged(h36m_regressor(), {1: 3, 3: 1}))
    with pytest.raises(InputError, match=r"elsewhere on the body: 1 \(rhip\), 3 \(rankle\); docs"):
        read_regressors(root, body)


@pytest.mark.parametrize("order", [(0, 1), (2, 3), (4, 6), (5, 6), (7, 6), (3, 7), (5, 8), (2, 0), (1, 8)])
def test_other_orders_of_the_extra_regressor_are_refused(root, order):
    joints = list(EXTRA)
    joints[order[0]], joints[order[1]] = joints[order[1]], joints[order[0]]
    np.save(root / "smpl" / "J_regressor_extra.npy", joint_rows(tuple(joints)))
    with pytest.raises(InputError, match=r"J_regressor_extra\.npy: (row 0 isn't the right hip|rows 2-8 aren't neck)"):
        read_regressors(root, bm.read_bodies(root)[0])


def test_a_body_with_exchanged_sides_is_refused(root):
    """As a mirror image, with exchanged joints, and turned about."""
    arrays = smpl_arrays()
    mirrored = arrays["v_template"] * [-1, 1, 1]
    exchanged = arrays["J_regressor"][bm.MIRRORED_JOINTS]
    turned = arrays["v_template"] * [-1, 1, -1]
    for change in ({"v_template": mirrored}, {"J_regressor": exchanged}, {"v_template": turned}):
        np.savez(root / "smpl" / "neutral.npz", **{**arrays, **change})
        with pytest.raises(InputError, match=r"neutral\.npz.*(left and right|faces? \+z)"):
            bm.read_bodies(root)


def test_posed_bodies_equal_the_generators(shipped):
    """Two implementations of the same equations, one batched and one not, on people bent in every joint."""
    ours, theirs = bm.read_bodies(shipped)[0], synthetic.load_body()
    rng = np.random.default_rng(0)
    rotations = Rotation.from_rotvec(rng.normal(0, 0.7, (3 * 24, 3))).as_matrix().reshape(3, 24, 3, 3)
    betas = rng.normal(0, 1, (3, 10))
    vertices, joints = pose_body(ours, rotations, betas)
    for n in range(3):
        shaped = theirs.shaped(betas[n])
        rest = theirs.J_regressor @ shaped
        np.testing.assert_allclose(vertices[n], synthetic.skin(shaped, theirs.weights, rest, rotations[n]), atol=1e-9)
        np.testing.assert_allclose(joints[n], synthetic.forward_kinematics(rest, rotations[n])[1], atol=1e-9)


def _without(key):
    return lambda arrays: arrays.pop(key)


def _update(**change):
    return lambda arrays: arrays.update({key: make(arrays[key]) for key, make in change.items()})


def _nan(array):
    array = array.copy()
    array.flat[5] = np.nan
    return array


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_without("weights"), "has no array weights"),
        (_without("face_vertices"), "a mesh of 96 vertices needs face_vertices"),
        (_update(J_regressor=lambda a: a[:, :95]), r"J_regressor is \(24, 95\), not \(24, 96\)"),
        (_update(posedirs=lambda a: a[:95]), "posedirs is"),
        (_update(shapedirs=lambda a: a[..., :9]), "shapedirs is"),
        (_update(v_template=_nan), "v_template isn't finite"),
        (_update(f=lambda a: a + 1), "f names no vertex"),
        (_update(f=lambda a: a.astype(float)), r"f is not \(F, 3\) integers"),
        (_update(weights=lambda a: a * 2), "weights doesn't sum to 1"),
        (_update(kintree_table=lambda a: a[:, ::-1]), "kintree_table isn't SMPL's tree"),
        (_update(kintree_table=lambda a: a.astype(float)), "kintree_table isn't SMPL's tree"),
        (_update(face_vertices=lambda a: a + 90), "face_vertices isn't"),
        (_update(J_regressor=lambda a: a.astype(object)), "J_regressor holds pickled objects"),
    ],
)
def test_bad_bodies_are_named(root, change, message):
    arrays = smpl_arrays()
    change(arrays)
    path = root / "smpl" / "female.npz"
    np.savez(path, **arrays)
    with pytest.raises(InputError, match=message) as error:
        bm.read_bodies(root)
    assert str(path) in str(error.value) and "docs/data/pw3d.md" in str(error.value)


def test_bodies_of_different_meshes_and_bad_regressors_are_named(root):
    folder = root / "smpl"
    body = bm.read_bodies(root)[0]
    np.save(folder / "J_regressor_h36m.npy", h36m_regressor()[:, :90])
    with pytest.raises(InputError, match=r"h36m\.npy: is \(17, 90\)"):
        read_regressors(root, body)
    np.save(folder / "J_regressor_h36m.npy", h36m_regressor().astype(object))
    with pytest.raises(InputError, match=r"h36m\.npy: not a plain array"):
        read_regressors(root, body)
    (folder / "J_regressor_h36m.npy").unlink()
    with pytest.raises(InputError, match=r"h36m\.npy: not found"):
        read_regressors(root, body)
    np.savez(folder / "smpl_mean_params.npz", pose=np.zeros(72), shape=np.zeros(10), cam=np.zeros(3))
    with pytest.raises(InputError, match=r"pose is .*not 144"):
        bm.read_mean_parameters(root)


def test_more_than_ten_shape_parameters_are_cut(root):
    arrays = smpl_arrays()
    arrays["shapedirs"] = np.concatenate([arrays["shapedirs"], np.ones((96, 3, 290))], axis=2)
    np.savez(root / "smpl" / "neutral.npz", **arrays)
    assert bm.read_bodies(root)[0].shapedirs.shape == (96, 3, 10)
