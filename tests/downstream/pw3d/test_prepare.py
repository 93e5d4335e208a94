"""SMPL's and 3DPW's pickles to npz: chumpy and sparse content, SPIN's rules, and nothing in a file is ever run."""

import os
import pickle
import sys
import types

import numpy as np
import pytest
from scipy import sparse
from tiny.pw3d import smpl_arrays, write_body_files
from tiny.pw3d_release import sequence

from downstream.pw3d import __main__ as command
from downstream.pw3d.body.body_model import SMPL_VERTICES, read_bodies, read_body
from downstream.pw3d.body.skinning import pose_body
from downstream.pw3d.prepare import prepare_sequences, prepare_smpl, sequence_people
from downstream.pw3d.prepare import smpl_arrays as smpl_pickle_arrays
from downstream.pw3d.reader import TEST, annotation_path, read_annotations
from downstream.pw3d.scores import pose_matrices
from liftedcl.identity.errors import InputError


class Hostile:
    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


@pytest.fixture(scope="module")
def chumpy():
    """A stand-in for chumpy's classes at the time of pickling: a ``Ch`` keeps its array in ``x``."""
    package, module = types.ModuleType("chumpy"), types.ModuleType("chumpy.ch")
    module.Ch = type("Ch", (), {"__module__": "chumpy.ch", "__init__": lambda self, x: setattr(self, "x", x)})
    package.ch = module
    sys.modules.update({"chumpy": package, "chumpy.ch": module})
    yield module.Ch
    del sys.modules["chumpy"], sys.modules["chumpy.ch"]


def smpl_pickle(chumpy) -> bytes:
    """The tiny body with as many vertices as SMPL, as the official pickles hold it."""
    arrays = smpl_arrays()
    del arrays["face_vertices"]
    missing = np.arange(SMPL_VERTICES - len(arrays["v_template"])) % len(arrays["v_template"])
    for name in ("v_template", "shapedirs", "weights"):
        arrays[name] = np.concatenate([arrays[name], arrays[name][missing]])
    regressor = np.zeros((24, SMPL_VERTICES))
    regressor[:, : len(arrays["J_regressor"][0])] = arrays["J_regressor"]
    arrays["posedirs"] = np.zeros((SMPL_VERTICES, 3, 207), np.float32)
    arrays["J_regressor"] = sparse.csc_matrix(regressor)
    arrays["shapedirs"] = chumpy(arrays["shapedirs"])
    arrays["f"] = arrays["f"].astype(np.uint32)
    return pickle.dumps({**arrays, "bs_style": "lbs", "bs_type": "lrotmin"}, protocol=2)


@pytest.fixture
def pickles(chumpy, tmp_path):
    folder = tmp_path / "pickles"
    (folder / "models").mkdir(parents=True)
    content = smpl_pickle(chumpy)
    for name in ("basicModel_neutral", "basicmodel_m", "basicModel_f"):
        (folder / "models" / f"{name}_lbs_10_207_0_v1.0.0.pkl").write_bytes(content)
    return folder


def test_smpl_pickles_become_body_files(pickles, tmp_path, monkeypatch):
    monkeypatch.setattr(
        sys, "argv", ["pw3d", "prepare", "--smpl-pickles", str(pickles), "--out", str(tmp_path / "out")]
    )
    command.main()
    body, expected = read_bodies(tmp_path / "out")[2], smpl_arrays()
    assert body.v_template.shape == (SMPL_VERTICES, 3) and body.face_vertices[0] == 332
    np.testing.assert_array_equal(body.v_template[:96], expected["v_template"])
    np.testing.assert_array_equal(body.shapedirs[:96], expected["shapedirs"])
    np.testing.assert_array_equal(body.J_regressor[:, :96], expected["J_regressor"])
    assert not list((tmp_path / "out" / "smpl").glob(".*"))


def test_a_hostile_pickle_is_refused_and_nothing_is_written(pickles, tmp_path):
    hostile = pickles / "models" / "basicModel_f_lbs_10_207_0_v1.0.0.pkl"
    hostile.write_bytes(pickle.dumps({"v_template": Hostile(tmp_path / "taken_over")}, protocol=2))
    with pytest.raises(InputError, match=r"basicModel_f_lbs.*mkdir"):
        prepare_smpl(pickles, tmp_path / "out")
    assert not (tmp_path / "taken_over").exists() and not (tmp_path / "out" / "smpl" / "female.npz").exists()


def test_missing_and_wrong_pickles_are_named(pickles, tmp_path):
    (pickles / "models" / "basicModel_f_lbs_10_207_0_v1.0.0.pkl").unlink()
    with pytest.raises(InputError, match=r"holds no SMPL pickle of female \(basicModel_f"):
        prepare_smpl(pickles, tmp_path / "out")
    (pickles / "SMPL_FEMALE.pkl").write_bytes(pickle.dumps({"v_template": np.zeros((3, 3))}, protocol=2))
    with pytest.raises(InputError, match=r"SMPL_FEMALE\.pkl: is not a SMPL model"):
        prepare_smpl(pickles, tmp_path / "out")
    with pytest.raises(InputError, match="not a folder"):
        prepare_smpl(tmp_path / "nowhere", tmp_path / "out")


@pytest.mark.parametrize(
    "name", ["v_template", "shapedirs", "posedirs", "J_regressor", "weights", "f", "kintree_table"]
)
@pytest.mark.parametrize(
    "value", [np.array(1.0), np.array(2), np.zeros(0), np.array([None, np.zeros(3)], dtype=object), np.array("x"), None]
)
def test_arrays_of_no_body_are_named(tmp_path, name, value):
    arrays = smpl_arrays()
    path = tmp_path / "SMPL_MALE.pkl"
    path.write_bytes(pickle.dumps(arrays | {name: value}, protocol=2))
    with pytest.raises(InputError, match=r"SMPL_MALE\.pkl: .*docs/data") as error:
        smpl_pickle_arrays(path)
    assert "\n" not in str(error.value)


def test_a_body_in_millimetres_is_named(tmp_path):
    write_body_files(tmp_path / "smpl")
    path = next((tmp_path / "smpl").rglob("neutral.npz"))
    arrays = dict(np.load(path))
    for names, what in (
        (("v_template", "shapedirs", "posedirs"), "v_template is a body of"),
        (("shapedirs",), "shapedirs"),
    ):
        np.savez(path, **arrays | {name: 1000 * arrays[name] for name in names})
        with pytest.raises(InputError, match=rf"neutral\.npz: {what} .* seems to be in mm, where m is expected"):
            read_body(path)


@pytest.fixture
def sequences(tmp_path):
    folder = tmp_path / "sequenceFiles" / "test"
    folder.mkdir(parents=True)
    data = sequence(np.random.default_rng(0))
    (folder / "downtown_walk_00.pkl").write_bytes(pickle.dumps(data, protocol=2))
    return folder.parent, data


def test_sequences_follow_spins_rules(sequences, tmp_path):
    folder, data = sequences
    path, count, left_out = prepare_sequences(folder, tmp_path / "out")
    assert (path, count, left_out) == (annotation_path(tmp_path / "out", TEST), 6 + 3, 1)
    samples = read_annotations(path, tmp_path)
    frames = [0, 1, 2, 3, 4, 5, 0, 3, 5]
    assert samples.names == [f"imageFiles/downtown_walk_00/image_{frame:05d}.jpg" for frame in frames]
    assert samples.gender.tolist() == [1] * 6 + [2] * 3 and samples.has_smpl.all()
    for n, frame in enumerate(frames):
        person = int(n >= 6)
        x, y, seen = data["poses2d"][person][frame]
        low, high = np.array([x[seen > 0].min(), y[seen > 0].min()]), np.array([x[seen > 0].max(), y[seen > 0].max()])
        np.testing.assert_allclose(samples.centres[n], (low + high) / 2)
        assert samples.scales[n] * 200 == pytest.approx(1.2 * max(high - low))
        np.testing.assert_array_equal(samples.pose[n, 3:], data["poses"][person][frame, 3:])
        np.testing.assert_array_equal(samples.betas[n], data["betas"][person])


def test_people_of_sequences_stand_in_the_cameras_frame(sequences, tmp_path):
    """The converted body is the world's body turned by the camera, up to where it stands."""
    folder, data = sequences
    path, _, _ = prepare_sequences(folder, tmp_path / "out")
    samples = read_annotations(path, tmp_path)
    write_body_files(tmp_path / "out")
    body = read_body(tmp_path / "out" / "smpl" / "male.npz")
    in_camera, _ = pose_body(body, pose_matrices(samples.pose[:6]), samples.betas[:6])
    in_world, _ = pose_body(body, pose_matrices(data["poses"][0]), samples.betas[:6])
    turned = in_world @ np.swapaxes(data["cam_poses"][:, :3, :3], 1, 2)
    np.testing.assert_allclose(in_camera - in_camera[:, :1], turned - turned[:, :1], atol=1e-9)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: data.pop("cam_poses"), "not a 3DPW sequence .*cam_poses"),
        (lambda data: data["poses"].__setitem__(1, np.zeros((5, 72))), "person 1: "),
        (lambda data: data["betas"].__setitem__(0, np.zeros(9)), r"person 0: betas is \(9,\)"),
        (lambda data: data.update(cam_poses=np.zeros((6, 3, 4))), r"cam_poses is \(6, 3, 4\)"),
        (lambda data: data["poses"].__setitem__(0, np.array(1.0)), "not a 3DPW sequence"),
        (lambda data: data["betas"].__setitem__(0, np.array(1.0)), "not a 3DPW sequence"),
        (lambda data: data["betas"].__setitem__(0, [10**400] * 10), "not a 3DPW sequence"),
        (lambda data: data["betas"][0].fill(np.nan), "person 0: betas holds NaN"),
        (lambda data: data["poses"][1][3].fill(np.nan), "person 1: poses holds NaN"),
        (lambda data: data["poses2d"][0][0, :2].fill(np.inf), "person 0: poses2d holds NaN or infinity"),
        (lambda data: data["cam_poses"][0].fill(np.nan), "person 0: cam_poses holds NaN"),
        (
            lambda data: data["poses"].__setitem__(0, data["poses"][0] * 180 / np.pi),
            "person 0: poses turn a joint by .* seems to be in degrees",
        ),
        (lambda data: data["betas"][1].__setitem__(2, 1e6), "person 1: betas are 1e.06 standard deviations"),
        (lambda data: data["betas"].__setitem__(0, ["1"] * 10), "not a 3DPW sequence .*no numbers"),
        (lambda data: data["campose_valid"].__setitem__(0, ["0"] * 6), "not a 3DPW sequence .*no numbers"),
        (lambda data: data.update(genders=["m", "?"]), "person 1: genders is '\\?', neither"),
        (lambda data: data.update(sequence=Hostile("/tmp/taken_over_by_a_pickle")), "mkdir"),
    ],
)
def test_bad_sequences_are_named(sequences, tmp_path, change, message):
    folder, data = sequences
    change(data)
    (folder / "test" / "bad.pkl").write_bytes(pickle.dumps(data, protocol=2))
    with pytest.raises(InputError, match=rf"bad\.pkl: .*{message}"):
        prepare_sequences(folder, tmp_path / "out")
    assert not os.path.exists("/tmp/taken_over_by_a_pickle") and not (tmp_path / "out").exists()


def test_a_folder_without_sequences_is_named(tmp_path):
    with pytest.raises(InputError, match="holds no sequence"):
        prepare_sequences(tmp_path, tmp_path / "out")


def test_sequences_of_nobody_write_nothing(sequences, tmp_path):
    folder, data = sequences
    path = folder / "test" / "downtown_walk_00.pkl"
    for change in ({"poses": []}, {"campose_valid": [np.zeros(6, int)] * 2}):
        path.write_bytes(pickle.dumps(data | change, protocol=2))
        with pytest.raises(InputError, match="no person in its 1 sequences"):
            prepare_sequences(folder, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_one_joint_alone_makes_no_box(tmp_path):
    """Such a frame would be a square of no size, which the reader refuses together with the whole file."""
    data = sequence(np.random.default_rng(1))
    data["poses2d"][0][3, 2, 1:] = 0
    path = tmp_path / "s.pkl"
    path.write_bytes(pickle.dumps(data, protocol=2))
    fields, left_out = sequence_people(path)[0]
    assert left_out == 1 and len(fields["imgname"]) == 5 and (fields["scale"] > 0).all()


def test_sequences_need_no_person_in_the_last_frame(tmp_path):
    """A person who is valid in no frame gives no sample, and no error."""
    data = sequence(np.random.default_rng(1), people=2)
    data["campose_valid"][1][:] = 0
    path = tmp_path / "s.pkl"
    path.write_bytes(pickle.dumps(data, protocol=2))
    assert [len(fields["imgname"]) for fields, _ in sequence_people(path)] == [6, 0]
