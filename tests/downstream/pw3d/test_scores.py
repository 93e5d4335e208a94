"""Scores of human shape: exact for known errors, through predictions.npz and the command; and the mean bodies."""

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from repository import REPOSITORY
from scipy.spatial.transform import Rotation
from tiny.pw3d import write_tiny_pw3d

from downstream.pw3d import __main__ as command
from downstream.pw3d.body.body_model import MIRRORED_JOINTS, read_bodies, read_mean_parameters
from downstream.pw3d.body.posed_people import lsp_joints
from downstream.pw3d.body.regressors import read_regressors
from downstream.pw3d.body.smpl_layer import SMPLLayer
from downstream.pw3d.predictions import Predictions, read_predictions, write_predictions
from downstream.pw3d.reader import TEST, annotation_path, read_annotations, read_shape_split
from downstream.pw3d.reference import nearest_rotations, reference_scores, rotations_of_6d, training_mean
from downstream.pw3d.scores import pose_matrices, score, score_file, score_parameters, true_bodies
from liftedcl.identity.errors import InputError


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return write_tiny_pw3d(tmp_path_factory.mktemp("pw3d"))


@pytest.fixture(scope="module")
def bodies(root):
    return read_bodies(root)


@pytest.fixture(scope="module")
def regressors(root, bodies):
    return read_regressors(root, bodies[0])


@pytest.fixture
def evaluated(root, bodies, regressors, tmp_path, monkeypatch):
    """A function from parameters to metrics: through predictions.npz and the command ``evaluate``."""

    def run(rotations, betas, annotations=None):
        annotations = annotations or annotation_path(root, TEST)
        truth = read_annotations(annotations, annotations.parent)
        joints = lsp_joints(rotations, betas, bodies[0], regressors)
        predictions = Predictions(rotations, betas, np.zeros((len(betas), 3)), joints)
        write_predictions(tmp_path / "predictions.npz", predictions, truth.names)
        names = {"annotations": annotations, "body": root / "smpl", "predictions": tmp_path / "predictions.npz"}
        line = [word for name, path in names.items() for word in (f"--{name}", str(path))]
        monkeypatch.setattr(sys, "argv", ["pw3d", "evaluate", *line, "--out", str(tmp_path / "out.json")])
        command.main()
        return json.loads((tmp_path / "out.json").read_text())

    return run


@pytest.fixture(scope="module")
def upright(root, tmp_path_factory):
    """Annotations of people of the neutral body and mean shape who only turn: all their lengths scale with beta 0."""
    path = tmp_path_factory.mktemp("upright") / f"{TEST}.npz"
    arrays = dict(np.load(annotation_path(root, TEST)))
    arrays["pose"][:, 3:] = 0
    np.savez(path, **{**arrays, "shape": np.zeros((6, 10)), "gender": np.full(6, "n")})
    return path


def truth_as_neutral(root):
    """The parameters of the neutral body that give the annotated male and female bodies: beta 0 is their size."""
    truth = read_shape_split(root, TEST)
    sizes = np.array([1.0, 1.05, 0.95])[truth.gender]
    betas = truth.betas.copy()
    betas[:, 0] = sizes * (1 + betas[:, 0]) - 1
    return pose_matrices(truth.pose), betas


def test_a_perfect_prediction_scores_zero(root, evaluated, capsys):
    """Of male and female people, whose truth is posed with their own body."""
    scores = evaluated(*truth_as_neutral(root))
    assert scores["samples"] == 6
    assert all(scores[key] < 1e-9 for key in ("pa_mpjpe_mm", "mpjpe_mm", "pve_mm"))
    assert "reconstruction error 0.00 mm" in capsys.readouterr().out


def test_the_annotated_gender_decides_the_truth(root, evaluated):
    truth = read_shape_split(root, TEST)
    scores = evaluated(pose_matrices(truth.pose), truth.betas)
    assert 15 < scores["mpjpe_mm"] < 40  # bodies of 1.05 and 0.95 times the size


def test_a_body_one_tenth_larger_costs_a_tenth_of_its_lengths(upright, bodies, regressors, evaluated):
    truth = read_annotations(upright, upright.parent)
    joints, vertices = true_bodies(truth, slice(None), bodies, regressors)
    scores = evaluated(pose_matrices(truth.pose), np.full((6, 10), 0.1) * np.eye(10)[0], upright)
    assert scores["mpjpe_mm"] == pytest.approx(100 * np.linalg.norm(joints, axis=2).mean(), rel=1e-9)
    assert scores["pve_mm"] == pytest.approx(100 * np.linalg.norm(vertices, axis=2).mean(), rel=1e-9)
    assert scores["pa_mpjpe_mm"] < 1e-6


def test_a_body_turned_about_costs_twice_its_distance_from_the_axis(upright, bodies, regressors, evaluated):
    truth = read_annotations(upright, upright.parent)
    joints, _ = true_bodies(truth, slice(None), bodies, regressors)
    rotations = pose_matrices(truth.pose)
    rotations[:, 0] = np.diag([-1.0, 1.0, -1.0]) @ rotations[:, 0]
    scores = evaluated(rotations, truth.betas, upright)
    assert scores["mpjpe_mm"] == pytest.approx(2000 * np.linalg.norm(joints[..., [0, 2]], axis=2).mean(), rel=1e-9)
    assert scores["pa_mpjpe_mm"] < 1e-6


def test_exchanged_sides_are_not_forgiven(root, evaluated):
    """A mirrored pose, as a flip without its exchange of joints would give it, costs after alignment too."""
    truth = read_shape_split(root, TEST)
    mirrored = truth.pose.reshape(-1, 24, 3)[:, MIRRORED_JOINTS] * [1, -1, -1]
    mirrored[:, 0] = truth.pose[:, :3]
    scores = evaluated(pose_matrices(mirrored.reshape(-1, 72)), truth.betas)
    assert scores["pa_mpjpe_mm"] > 20


def test_one_shifted_joint_costs_its_share():
    truth = np.random.default_rng(0).normal(0, 0.4, (5, 14, 3))
    shifted = truth.copy()
    shifted[2, 3] += [0.003, 0.004, 0.012]
    scores = score(shifted, np.full(5, 0.02), truth)
    assert scores["mpjpe_mm"] == pytest.approx(13 / (5 * 14)) and scores["pve_mm"] == pytest.approx(20)
    assert 0 < scores["pa_mpjpe_mm"] < scores["mpjpe_mm"] * 2


def test_torchs_layer_gives_the_same_scores(root, bodies, regressors):
    """In single precision, within a thousandth of a millimetre."""
    truth = read_shape_split(root, TEST)
    rng = np.random.default_rng(3)
    rotations = Rotation.from_rotvec(rng.normal(0, 0.6, (6 * 24, 3))).as_matrix().reshape(6, 24, 3, 3)
    betas = rng.normal(0, 1, (6, 10))
    ours = score_parameters(rotations, betas, truth, bodies, regressors)
    vertices, _ = SMPLLayer(bodies[0])(torch.from_numpy(rotations).float(), torch.from_numpy(betas).float())
    joints = regressors.h36m @ vertices.double().numpy()
    true_joints, true_vertices = true_bodies(truth, slice(None), bodies, regressors)
    errors = np.linalg.norm(vertices.double().numpy() - joints[:, :1] - true_vertices, axis=2).mean(axis=1)
    predicted = joints[:, [3, 2, 1, 4, 5, 6, 16, 15, 14, 11, 12, 13, 8, 10]] - joints[:, :1]
    theirs = score(predicted, errors, true_joints)
    assert theirs == pytest.approx(ours, abs=1e-3)


def test_chunks_do_not_change_a_score(root, bodies, regressors, monkeypatch):
    truth = read_shape_split(root, TEST)
    rotations, betas = np.broadcast_to(np.eye(3), (6, 24, 3, 3)), np.zeros((6, 10))
    whole = score_parameters(rotations, betas, truth, bodies, regressors)
    monkeypatch.setattr("downstream.pw3d.body.posed_people._CHUNK_BYTES", 96 * 200 * 4)
    assert score_parameters(rotations, betas, truth, bodies, regressors) == pytest.approx(whole, rel=1e-12)


def test_the_command_needs_no_torch(root, bodies, regressors, tmp_path):
    rotations, betas = truth_as_neutral(root)
    joints = lsp_joints(rotations, betas, bodies[0], regressors)
    path = tmp_path / "predictions.npz"
    predictions = Predictions(rotations, betas, np.zeros((6, 3)), joints)
    write_predictions(path, predictions, read_shape_split(root, TEST).names)
    code = "import sys; from downstream.pw3d.__main__ import main; main(); assert 'torch' not in sys.modules"
    line = ["evaluate", "--annotations", annotation_path(root, TEST), "--body", root / "smpl", "--predictions", path]
    arguments = [sys.executable, "-c", code, *map(str, line)]
    run = subprocess.run(arguments, cwd=REPOSITORY, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert "MPJPE 0.00 mm" in run.stdout


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"images": np.array(["x.jpg"] * 6)}, "made for other people"),
        ({"betas": np.zeros((6, 9))}, r"betas is \(6, 9\)"),
        ({"camera": np.full((6, 3), np.nan)}, "camera is .*not finite"),
        ({"betas": np.full((6, 10), 1e6)}, "sample 0: betas are 1e.06 standard deviations .* 5 more"),
        ({"pose": np.ones((6, 24, 3, 3))}, "sample 0: pose holds a matrix that is not a rotation"),
        ({"pose": np.broadcast_to(np.diag([1.0, 1, -1]), (6, 24, 3, 3))}, "not a rotation"),
        ({"joints": np.zeros((6, 14, 3), dtype=object)}, "joints holds pickled objects"),
    ],
)
def test_bad_predictions_are_named(root, tmp_path, change, message):
    truth = read_shape_split(root, TEST)
    rotations, path = np.broadcast_to(np.eye(3), (6, 24, 3, 3)), tmp_path / "predictions.npz"
    predictions = Predictions(rotations, np.zeros((6, 10)), np.zeros((6, 3)), np.zeros((6, 14, 3)))
    write_predictions(path, predictions, truth.names)
    assert np.array_equal(read_predictions(path, truth).rotations, rotations)
    np.savez(path, **{**dict(np.load(path)), **change})
    with pytest.raises(InputError, match=message) as error:
        read_predictions(path, truth)
    assert str(path) in str(error.value)


def test_predictions_of_others_need_what_is_scored_alone(root, bodies, regressors, tmp_path):
    rotations, betas = truth_as_neutral(root)
    names = np.array(read_shape_split(root, TEST).names)
    np.savez(tmp_path / "p.npz", pose=rotations.astype(np.float32), betas=betas, images=names.astype("S"))
    assert score_file(annotation_path(root, TEST), root / "smpl", tmp_path / "p.npz")["mpjpe_mm"] < 1e-2
    np.savez(tmp_path / "p.npz", pose=rotations, images=names)
    with pytest.raises(InputError, match=r"has no array betas; docs/data/pw3d\.md, `Scores`"):
        score_file(annotation_path(root, TEST), root / "smpl", tmp_path / "p.npz")


@pytest.mark.parametrize(
    ("without", "extra", "message"),
    [
        (("pose", "shape"), {}, "has no array pose, shape"),
        (("pose",), {}, "has no array pose"),
        (("gender",), {}, "has no array gender"),
        ((), {"has_smpl": np.array([1, 1, 1, 0, 1, 1])}, "sample 3: has_smpl is 0"),
    ],
)
def test_no_truth_is_made_up_whatever_the_file_is_called(
    root, evaluated, tmp_path, monkeypatch, without, extra, message
):
    """All-zero predictions would match the all-zero bodies of a file that holds none."""
    path = tmp_path / "mytest.npz"
    arrays = dict(np.load(annotation_path(root, TEST))) | extra
    np.savez(path, **{key: value for key, value in arrays.items() if key not in without})
    evaluated(np.broadcast_to(np.eye(3), (6, 24, 3, 3)), np.zeros((6, 10)))
    line = ["--annotations", path, "--body", root / "smpl", "--predictions", tmp_path / "predictions.npz"]
    monkeypatch.setattr(sys, "argv", ["pw3d", "evaluate", *map(str, line)])
    with pytest.raises(InputError, match=rf"mytest\.npz: {message}") as error:
        command.main()
    assert "\n" not in str(error.value)


def test_joints_of_another_body_are_refused(root, bodies, regressors, tmp_path, monkeypatch):
    rotations, betas = truth_as_neutral(root)
    joints = lsp_joints(rotations, betas, bodies[1], regressors)
    path = tmp_path / "predictions.npz"
    predictions = Predictions(rotations, betas, np.zeros((6, 3)), joints)
    write_predictions(path, predictions, read_shape_split(root, TEST).names)
    line = ["--annotations", annotation_path(root, TEST), "--body", root / "smpl", "--predictions", path]
    monkeypatch.setattr(sys, "argv", ["pw3d", "evaluate", *map(str, line)])
    with pytest.raises(InputError, match="mm from those of pose and betas"):
        command.main()


def test_the_stronger_mean_body_is_the_reference(root):
    scores = reference_scores(None, root)
    assert scores["pa_mpjpe_mm"] == min(row["pa_mpjpe_mm"] for row in scores["candidates"].values())
    assert scores["predictor"] in scores["candidates"] and scores["samples"] == 6
    assert set(scores["candidates"]) == {"mean_parameters", "training_mean"}


def test_the_training_mean_weighs_sets_by_their_shares(root):
    samples = read_shape_split(root, "h36m_train_protocol1")
    other = replace(samples, betas=samples.betas + 1, pose=np.zeros_like(samples.pose))
    _, betas = training_mean([(samples, 0.3), (other, 0.1)])
    np.testing.assert_allclose(betas, samples.betas[samples.has_smpl].mean(axis=0) + 0.25)


def test_a_mean_of_rotations_is_the_rotation_between(root):
    turns = Rotation.from_rotvec([[0, 0.2, 0], [0, 0.6, 0]]).as_matrix()
    np.testing.assert_allclose(
        nearest_rotations(turns.mean(axis=0)[None])[0], Rotation.from_rotvec([0, 0.4, 0]).as_matrix(), atol=1e-12
    )
    upright = rotations_of_6d(read_mean_parameters(root).pose)
    np.testing.assert_allclose(upright[0], np.diag([1, -1, -1]), atol=1e-12)
    np.testing.assert_allclose(upright[1:], np.broadcast_to(np.eye(3), (23, 3, 3)), atol=1e-12)
