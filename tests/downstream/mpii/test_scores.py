"""MPII: PCKh against a slow loop, predictions files, and the way from a perfect prediction to a perfect score."""

import json
import sys

import numpy as np
import pytest
import torch
from scipy.io import loadmat, savemat
from tiny.mpii import RECIPE, write_tiny_mpii
from torch import nn

from downstream.mpii import __main__ as command
from downstream.mpii.drawings import examples
from downstream.mpii.joints import JOINTS, MIRRORED
from downstream.mpii.predictions import read_predictions, write_predictions
from downstream.mpii.reader import read_mpii, to_people
from downstream.mpii.reference import reference_scores
from downstream.mpii.scores import score, score_file, score_run
from downstream.mpii.task import MpiiPose
from downstream.mpii.truth import MpiiTruth, read_truth, truth_path
from downstream.samples.crop import apply_affine, crop_matrices
from liftedcl.identity.errors import InputError, run_cli
from liftedcl.networks.stages import Stage


def random_truth(count: int, rng: np.random.Generator) -> MpiiTruth:
    visible = rng.random((count, 16)) < 0.7
    visible[:, 4] = False  # a joint that nobody shows
    return MpiiTruth(rng.uniform(0, 500, (count, 16, 2)), visible, rng.uniform(20, 80, count))


def slow_pckh(predicted, truth, threshold):
    """PCKh as its definition reads: per joint, then weighted by how often each joint is visible."""
    per_joint, weighted, total = [], 0.0, 0
    for joint in range(16):
        seen = found = 0
        for person in range(len(truth)):
            if not truth.visible[person, joint]:
                continue
            seen += 1
            dx, dy = predicted[person, joint] - truth.joints[person, joint]
            found += (dx * dx + dy * dy) ** 0.5 / truth.head_sizes[person] <= threshold
        per_joint.append(100 * found / seen if seen else None)
        if joint not in (6, 7) and seen:
            weighted, total = weighted + per_joint[-1] * seen, total + seen
    return per_joint, weighted / total


def test_pckh_is_that_of_a_slow_loop():
    rng = np.random.default_rng(0)
    truth = random_truth(60, rng)
    predicted = truth.joints + rng.normal(0, 12, truth.joints.shape)
    scores = score(predicted, truth)
    for key, threshold in (("pckh_50", 0.5), ("pckh_10", 0.1)):
        per_joint, mean = slow_pckh(predicted, truth, threshold)
        assert scores[key] == pytest.approx(mean, abs=1e-9) and 0 < mean < 100
        for name, expected in zip(JOINTS, per_joint, strict=True):
            assert scores["per_joint"][name][key] == (expected if expected is None else pytest.approx(expected))
        shoulders = [per_joint[JOINTS.index(f"{side}_shoulder")] for side in ("left", "right")]
        assert scores["per_part"]["shoulder"][key] == pytest.approx(np.mean(shoulders))
    assert scores["per_joint"]["left_knee"]["pckh_50"] is None and scores["samples"] == 60
    assert scores["per_part"]["knee"] == scores["per_joint"]["right_knee"]
    json.dumps(scores, allow_nan=False)


def test_only_joints_that_count_move_the_mean():
    rng = np.random.default_rng(1)
    truth = random_truth(9, rng)
    perfect = score(truth.joints, truth)
    assert perfect["pckh_50"] == perfect["pckh_10"] == 100.0
    spoilt = np.where(truth.visible[..., None], truth.joints, 1e6)
    spoilt[:, 6:8] += 1e6
    scores = score(spoilt, truth)
    assert scores["pckh_50"] == 100.0 and scores["per_joint"]["pelvis"]["pckh_50"] == 0.0


def test_the_head_is_six_tenths_of_its_boxs_diagonal(tmp_path):
    root = write_tiny_mpii(tmp_path)
    boxes = loadmat(truth_path(root))["headboxes_src"]
    truth = read_truth(truth_path(root))
    for i in range(6):
        (x0, y0), (x1, y1) = boxes[:, :, i]
        assert truth.head_sizes[i] == pytest.approx(0.6 * ((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5)
    for inside, expected in ((0.499, 100.0), (0.501, 0.0)):  # half a head away, just within and just beyond
        shift = truth.head_sizes[:, None, None] * inside * np.array([0.6, -0.8])
        assert score(truth.joints + shift, truth)["pckh_50"] == expected


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return write_tiny_mpii(tmp_path_factory.mktemp("mpii"))


def run(monkeypatch, *words):
    monkeypatch.setattr(sys, "argv", ["command", *map(str, words)])
    command.main()


class TinyBackbone(nn.Module):
    """Stride 8, 3 channels: enough of an encoder to build the head on."""

    out_channels, stride, map_stages = 3, 8, (Stage(3, 4), Stage(3, 8))

    def __init__(self):
        super().__init__()
        self.pool = nn.Sequential(nn.Conv2d(3, 3, 1), nn.AvgPool2d(8))

    def forward(self, images):
        return self.pool(images)


class Oracle(nn.Module):
    """Answers with heatmaps of given joints, for each batch of crops and then for its mirror image."""

    def __init__(self, plain: np.ndarray, mirrored: np.ndarray, stride: int) -> None:
        super().__init__()
        self.anchor = nn.Parameter(torch.zeros(1))
        self.answers, self.stride, self.calls = (plain, mirrored), stride, 0

    def forward(self, images):
        return torch.cat([self.answered(part) for part in images.chunk(2)])

    def answered(self, images):
        batch, view = divmod(self.calls, 2)
        self.calls += 1
        cells = self.answers[view][batch * RECIPE.batch_size :][: len(images)] / self.stride
        grid = np.arange(-64, 64 + 64 // self.stride)  # wide enough for joints outside the crop
        width = 64 // self.stride
        bells = [np.exp(-((grid - cells[..., axis, None]) ** 2) / 8) for axis in (0, 1)]
        maps = bells[1][..., :, None] * bells[0][..., None, :]
        return torch.from_numpy(maps[..., 64 : 64 + width, 64 : 64 + width]).float()


ALL, KNEE = list(range(16)), [JOINTS.index("right_knee")]


@pytest.mark.parametrize(
    ("moved", "heads", "lost"), [(ALL, 0.0, []), (ALL, 0.2, []), (ALL, 0.8, ALL), (KNEE, 0.8, KNEE)]
)
def test_the_whole_way_from_heatmaps_to_the_command(root, tmp_path, monkeypatch, capsys, moved, heads, lost):
    """Crops, one of them partly outside its picture, heatmaps, flip test, decoding, the way back, files, command."""
    benchmark = MpiiPose(RECIPE, TinyBackbone(), data=root, seed=0, workers=0)
    people, truth = read_mpii(root, "valid"), read_truth(truth_path(root))
    joints = np.where(truth.visible[..., None], truth.joints, people.centres[:, None])
    joints[:, moved] -= heads * truth.head_sizes[:, None, None] * np.array([1.0, 0.0])
    regions, stride = to_people(people, RECIPE.box_scale).people, benchmark.module.stride
    assert (regions.centres[:, 0] < regions.widths / 2).any()

    def in_crops(flips):
        return apply_affine(crop_matrices(regions.centres, regions.widths, size=(64, 64), flips=flips), joints)

    benchmark.module = Oracle(in_crops(None), in_crops(np.ones(6, bool))[:, MIRRORED], stride)
    benchmark.write_predictions(tmp_path)
    metrics = score_run(RECIPE, root, tmp_path)
    errors = np.linalg.norm(read_predictions(tmp_path / "predictions.mat", 6) - joints, axis=2)
    assert (
        errors / (regions.widths / 64 * stride)[:, None]
    ).max() < 0.6  # of a cell: rounding and the flip test's shift
    counted = [joint for joint in ALL if joint not in (6, 7)]
    left = [joint for joint in counted if joint not in lost]
    expected = 100 * truth.visible[:, left].sum() / truth.visible[:, counted].sum()
    assert metrics["pckh_50"] == pytest.approx(expected, abs=1e-9)
    words = ("evaluate", "--annotations", truth_path(root), "--predictions", tmp_path / "predictions.mat")
    run(monkeypatch, *words, "--out", tmp_path / "scores.json")
    assert json.loads((tmp_path / "scores.json").read_text()) == metrics
    assert f"mean {expected:.2f}" in capsys.readouterr().out
    assert examples(RECIPE, root, tmp_path).shape == (6, 256, 256, 3)


def test_predictions_count_pixels_from_one_and_give_the_scores_again(root, tmp_path):
    truth = read_truth(truth_path(root))
    predicted = truth.joints + np.random.default_rng(0).normal(0, 3, truth.joints.shape)
    write_predictions(tmp_path / "predictions.mat", predicted)
    np.testing.assert_array_equal(loadmat(tmp_path / "predictions.mat")["preds"], predicted + 1)
    assert score(read_predictions(tmp_path / "predictions.mat", 6), truth) == score(predicted, truth)
    before = (tmp_path / "predictions.mat").read_bytes()
    write_predictions(tmp_path / "predictions.mat", predicted)
    assert (tmp_path / "predictions.mat").read_bytes() == before


BAD = {
    "no preds": ({"pred": np.zeros((6, 16, 2))}, "has no variable preds"),
    "another count": ({"preds": np.zeros((5, 16, 2))}, r"\(5, 16, 2\).*not \(6, 16, 2\)"),
    "transposed": ({"preds": np.zeros((2, 16, 6))}, "not"),
    "NaN": ({"preds": np.full((6, 16, 2), np.nan)}, "NaN"),
    "text": ({"preds": "left"}, "not"),
    "true and false": ({"preds": np.ones((6, 16, 2), bool)}, "bool, not"),
}


@pytest.mark.parametrize("name", BAD)
def test_predictions_that_do_not_fit_are_refused(root, tmp_path, name):
    variables, message = BAD[name]
    savemat(tmp_path / "p.mat", variables)
    with pytest.raises(InputError, match=message) as caught:
        read_predictions(tmp_path / "p.mat", 6)
    assert "p.mat" in str(caught.value)


@pytest.mark.parametrize("spoil", [None, lambda raw: raw[:150], lambda raw: b"no matlab at all", lambda raw: b""])
def test_a_damaged_file_ends_in_one_line(root, tmp_path, monkeypatch, capsys, spoil):
    path = tmp_path / "p.mat"
    if spoil is not None:
        write_predictions(path, np.zeros((6, 16, 2)))
        path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(SystemExit) as caught:
        run_cli(lambda: run(monkeypatch, "evaluate", "--annotations", truth_path(root), "--predictions", path))
    lines = capsys.readouterr().err.strip().splitlines()
    assert caught.value.code == 2 and len(lines) == 1 and "p.mat" in lines[0] and "save `preds`" in lines[0]


@pytest.mark.parametrize(("factor", "size"), [(0.5, "half"), (2, "twice")])
def test_predictions_in_px_of_other_images_are_named(root, tmp_path, factor, size):
    truth = read_truth(truth_path(root))
    write_predictions(tmp_path / "p.mat", factor * (truth.joints + 0.5))
    with pytest.raises(InputError, match=f"images of {size} the size; multiply them by {1 / factor:g}"):
        score_file(truth_path(root), tmp_path / "p.mat")


def test_hdf5_is_named_with_the_way_out(root, tmp_path):
    for before in (b"", b"MATLAB 7.3 MAT-file".ljust(512)):
        (tmp_path / "p.mat").write_bytes(before + b"\x89HDF\r\n\x1a\n" + bytes(600))
        with pytest.raises(InputError, match=r"is HDF5, .*'-v7'.*scipy\.io\.savemat"):
            score_file(truth_path(root), tmp_path / "p.mat")


def test_mean_keypoints_score_below_the_truth_and_with_the_same_keys(root):
    truth = read_truth(truth_path(root))
    scores, perfect = reference_scores(RECIPE, root), score(truth.joints, truth)
    assert scores.keys() == perfect.keys() and scores["per_joint"].keys() == perfect["per_joint"].keys()
    assert 0 < scores["pckh_50"] < 90
