"""Body files and regressors: left and right by geometry, and what every bad file is told."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from tiny.pw3d import h36m_regressor, joint_rows, smpl_arrays, write_body_files

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


def test_swapped_legs_are_exchanged_and_said(root, capsys):
    body = bm.read_bodies(root)[0]
    path = root / "smpl" / "J_regressor_h36m.npy"
    right = read_regressors(root, body).h36m
    assert capsys.readouterr().err == ""
    np.save(path, right[[0, 4, 5, 6, 1, 2, 3, *range(7, 17)]])
    np.testing.assert_array_equal(read_regressors(root, body).h36m, right)
    assert "left leg is in rows 1-3" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([*range(11), 14, 15, 16, 11, 12, 13], "rows 11-13 aren't the left arm"),
        ([0, 4, 5, 6, 1, 2, 3, *range(7, 11), 14, 15, 16, 11, 12, 13], "rows 11-13 aren't the left arm"),
        ([0, 4, 2, 3, 1, 5, 6, *range(7, 17)], "rows 1-3 and 4-6 aren't one leg each"),
    ],
)
def test_other_orders_of_the_regressor_are_refused(root, rows, message):
    np.save(root / "smpl" / "J_regressor_h36m.npy", h36m_regressor()[rows])
    with pytest.raises(InputError, match=message):
        read_regressors(root, bm.read_bodies(root)[0])


def test_swapped_hips_of_the_extra_regressor_are_refused(root):
    np.save(root / "smpl" / "J_regressor_extra.npy", joint_rows((1, 2, 12, 15, 0, 12, 6, 15, 15)))
    with pytest.raises(InputError, match=r"J_regressor_extra\.npy: row 0 isn't the right hip"):
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
