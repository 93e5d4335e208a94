"""Human3.6M 2D: JDR, predictions on their way from crops to files and back, the command."""

import dataclasses
import json
import sys

import numpy as np
import pytest
import torch
from tiny.h36m import RECIPE_2D, change_frames
from torch import nn

from downstream.h36m import __main__ as command
from downstream.h36m.pose_2d import scores
from downstream.h36m.pose_2d.drawings import examples
from downstream.h36m.pose_2d.reader import annotation_path, read_h36m_2d, read_joints
from downstream.h36m.pose_2d.reference import reference_scores
from downstream.h36m.pose_2d.scores import score, score_run, settings_of
from downstream.h36m.pose_2d.task import H36MPose2D
from downstream.h36m.shared.camera import back_project
from downstream.h36m.shared.prediction_file import read_predictions, write_predictions
from downstream.heatmap_pose.heatmaps import gaussian_targets
from downstream.samples.crop import apply_affine, crop_matrices, invert_affine
from liftedcl.identity.errors import InputError
from liftedcl.networks.encoder import build_backbone
from liftedcl.skeletons.skeleton import JOINTS, flip_order

SIZE = (RECIPE_2D.input_width, RECIPE_2D.input_height)


def test_jdr_equals_a_slow_loop(root):
    truth = read_h36m_2d(root, "test", 1)
    predicted = truth.joints + np.random.default_rng(0).normal(0, 5, truth.joints.shape)
    predicted[0, 3] = truth.joints[0, 3] + (3, 4)  # exactly half the head: detected
    found = score(predicted, truth, 10.0)
    rates = []
    for j in range(17):
        hits = 0
        for n in range(6):
            (u, v), (x, y) = predicted[n, j], truth.joints[n, j]
            hits += round(float((u - x) ** 2 + (v - y) ** 2), 9) <= 25
        rates.append(100 * hits / 6)
        assert found["per_joint"][JOINTS[j]] == pytest.approx(rates[j])
    assert found["jdr"] == pytest.approx(np.mean(rates)) and 0 < found["jdr"] < 100 and found["samples"] == 6


class Oracle(nn.Module):
    """Answers with heatmaps of given crop joints: of a batch, then, in the flip test, of its mirror images."""

    stride = 4

    def __init__(self, joints: np.ndarray, flip_test: bool) -> None:
        super().__init__()
        self.anchor = nn.Parameter(torch.zeros(1))
        mirrored = (joints * [-1, 1] + [SIZE[0] - 1, 0])[:, flip_order()]
        self.answers = (joints, mirrored) if flip_test else (joints,)
        self.calls = 0

    def forward(self, images):
        return torch.cat([self.answered(part) for part in images.chunk(len(self.answers))])

    def answered(self, images):
        batch, view = divmod(self.calls, len(self.answers))
        self.calls += 1
        joints = torch.from_numpy(self.answers[view][batch * 4 :][: len(images)]).float()
        return gaussian_targets(joints, torch.ones(joints.shape[:2]), size=(16, 16), stride=4, sigma=1.5)[0]


def on_cells(root):
    """Move every test joint onto a cell of its crop's heatmap, and one person half out of the picture."""
    rng = np.random.default_rng(5)

    def edit(entries):
        for n, entry in enumerate(entries):
            centre = entry["center"] + (60 * (n == 0), 0)
            matrix = crop_matrices(centre[None], 200 * entry["scale"].max(keepdims=True), size=SIZE)
            cells = rng.integers(3, 13, (1, 17, 2))
            cells[0, 0] = 8
            pixels = apply_affine(invert_affine(matrix), 4.0 * cells)
            f, c = (np.concatenate([entry["camera"][f"{key}{axis}"] for axis in "xy"])[None] for key in "fc")
            depth = rng.uniform(4400, 4600, (1, 17))
            seen = back_project(pixels, depth, f, c)[0]
            entry.update(center=centre, joints_2d=pixels[0], joints_3d_camera=seen)

    change_frames(annotation_path(root, "test"), edit)


def run_evaluate(monkeypatch, folder, *options):
    words = ["evaluate", "--benchmark", "h36m_2d", "--out", str(folder / "scores.json"), *options]
    monkeypatch.setattr(sys, "argv", ["downstream.h36m", *map(str, words)])
    command.main()
    return json.loads((folder / "scores.json").read_text())


@pytest.mark.parametrize("flip_test", [False, True])
@pytest.mark.parametrize("shift", [0, 1])
def test_a_perfect_prediction_detects_all_and_a_shifted_one_by_the_exact_distance(
    copy, tmp_path, monkeypatch, flip_test, shift
):
    """The whole way: crops, heatmaps, flip test, original frames, predictions.npz, the evaluate command."""
    on_cells(copy)
    recipe = dataclasses.replace(RECIPE_2D, flip_test=flip_test)
    benchmark = H36MPose2D(recipe, build_backbone("resnet18_narrow"), data=copy, seed=0, workers=0)
    people = read_h36m_2d(copy, "test", 1).labelled(SIZE, 1.0)
    matrices = crop_matrices(people.people.centres, people.people.widths, size=SIZE)
    joints = apply_affine(matrices, people.joints) + np.array([0, 4 * shift])
    benchmark.module = Oracle(joints, flip_test)
    benchmark.write_predictions(tmp_path)
    metrics = score_run(recipe, copy, tmp_path)
    paths = ("--annotations", annotation_path(copy, "test"), "--predictions", tmp_path / "predictions.npz")
    assert run_evaluate(monkeypatch, tmp_path, *paths) == metrics
    distances = shift * 4 * people.people.widths / SIZE[0]
    for head_size in (1e-3, *(2 * distances + 1e-3), *(2 * distances - 1e-3).clip(1e-3)):
        found = run_evaluate(monkeypatch, tmp_path, *paths, "--head-size", head_size)["jdr"]
        assert found == pytest.approx(100 * np.mean(distances <= head_size / 2))
    pictures = examples(recipe, copy, tmp_path)
    assert len(pictures) == 6 and pictures.dtype == np.uint8 and pictures.ndim == 4


def test_bad_predictions_are_named(root, tmp_path):
    truth = read_h36m_2d(root, "test", 1)
    path = tmp_path / "predictions.npz"
    write_predictions(path, "joints", truth.joints, truth.names, head_size=9.5, test_stride=1)
    assert np.array_equal(read_predictions(path, "joints", 2, truth.names), truth.joints)
    images = np.array(truth.names)
    nan = truth.joints.copy()
    nan[3, 2, 1] = np.nan
    for arrays, message in (
        ({"joints": truth.joints, "images": np.array([*images[:5], "another.jpg"])}, "other images"),
        ({"joints": truth.joints[:5], "images": images[:5]}, "other images"),
        ({"joints": truth.joints[:, :16], "images": images}, r"\(6, 16, 2\)"),
        ({"joints": nan, "images": images}, "NaN"),
        ({"joints": truth.joints > 0, "images": images}, "bool"),
        ({"joints": truth.joints.astype(object), "images": images}, "joints holds pickled objects"),
        ({"joints": truth.joints, "images": images[0]}, "joints has shape"),
        ({"poses": truth.joints, "images": images}, "has no array joints"),
    ):
        np.savez(path, **arrays)
        with pytest.raises(InputError, match=message) as caught:
            read_predictions(path, "joints", 2, truth.names)
        assert str(path) in str(caught.value)
    for settings in ({"head_size": np.nan}, {"head_size": "big"}, {"test_stride": 0}, {"test_stride": [1, 2]}):
        np.savez(path, joints=truth.joints, images=images, **settings)
        with pytest.raises(InputError, match=f"{next(iter(settings))} is not one number above 0"):
            settings_of(path)
    path.write_bytes(b"no zip")
    with pytest.raises(InputError, match="not an npz"):
        read_predictions(path, "joints", 2, truth.names)
    with pytest.raises(InputError, match="not found"):
        read_predictions(tmp_path / "none.npz", "joints", 2, truth.names)


def test_flipped_bytes_are_read_or_refused_in_one_line(root, tmp_path):
    """Whatever byte of a file is damaged: the very numbers, or an error that names the file."""
    truth = read_h36m_2d(root, "test", 1)
    path = tmp_path / "predictions.npz"
    write_predictions(path, "joints", truth.joints, truth.names, head_size=9.5, test_stride=1)
    whole = path.read_bytes()
    entry = whole.index(b"PK\x01\x02")  # of the first array in the list at the end: flags at 8, compression at 10
    told = ""
    for place, flip in [(entry + 8, 1), (entry + 10, 64), *((n, 255) for n in range(0, len(whole), 9))]:
        path.write_bytes(whole[:place] + bytes([whole[place] ^ flip]) + whole[place + 1 :])
        try:
            assert np.array_equal(read_predictions(path, "joints", 2, truth.names), truth.joints)
            settings_of(path)
        except InputError as error:
            assert str(path) in str(error) and "\n" not in str(error)
            told += str(error)
    assert all(reason in told for reason in ("Error -3 while decompressing", "is encrypted", "method is not supported"))


def one_video(entries):
    for entry in entries:
        entry.update(subject=9, action=2)


def test_the_command_scores_with_the_settings_of_the_run(copy, tmp_path, monkeypatch, capsys):
    """Options override them; a file of others gets the paper's; another stride than the file's is named."""
    path = annotation_path(copy, "test")
    change_frames(path, one_video)
    recipe = dataclasses.replace(RECIPE_2D, head_size=60.0, test_stride=2)
    benchmark = H36MPose2D(recipe, build_backbone("resnet18_narrow"), data=copy, seed=0, workers=0)
    benchmark.write_predictions(tmp_path)
    metrics = score_run(recipe, copy, tmp_path)
    assert metrics["samples"] == 3 and 0 < metrics["jdr"] < 100
    paths = ("--annotations", path, "--predictions", tmp_path / "predictions.npz")
    assert run_evaluate(monkeypatch, tmp_path, *paths) == metrics
    assert "head size 60 px, stride 2" in capsys.readouterr().out
    assert run_evaluate(monkeypatch, tmp_path, *paths, "--head-size", 1e4)["jdr"] == 100
    with pytest.raises(InputError, match=r"holds 3, they 6; .*--stride"):
        run_evaluate(monkeypatch, tmp_path, *paths, "--stride", 1)
    for option, value in (("--stride", 0), ("--head-size", "nan"), ("--head-size", -1)):
        with pytest.raises(InputError, match="above 0"):
            run_evaluate(monkeypatch, tmp_path, *paths, option, value)
    truth = read_joints(path, 64)
    off = truth.joints + np.where(np.arange(17) < 5, 12.9, 12.7)[:, None] * [1, 0]
    np.savez(tmp_path / "predictions.npz", joints=off, images=np.array(truth.names))
    with pytest.raises(InputError, match=r"frames are about 126 px wide.*--head-size"):
        run_evaluate(monkeypatch, tmp_path, *paths)
    monkeypatch.setattr(scores, "_PAPERS_WIDTH", 126)
    assert len(truth) == 1 and run_evaluate(monkeypatch, tmp_path, *paths)["jdr"] == pytest.approx(100 * 12 / 17)


def test_predictions_of_others_may_be_in_another_order_and_name_files_alone(root, tmp_path):
    truth, path = read_h36m_2d(root, "test", 1), tmp_path / "predictions.npz"
    order = [3, 0, 5, 1, 4, 2]
    for called in (str, lambda name: name.split("/")[1], lambda name: "D:\\frames\\" + name.split("/")[1]):
        images = np.array([called(truth.names[n]) for n in order])
        for stored in (images, images.astype("S")):
            np.savez(path, joints=np.rint(truth.joints[order]).astype(int), images=stored)
            assert np.array_equal(read_predictions(path, "joints", 2, truth.names), np.rint(truth.joints))


@pytest.mark.parametrize(("factor", "size"), [(0.5, "half"), (2, "twice")])
def test_joints_in_px_of_other_frames_are_named(root, tmp_path, factor, size):
    path, truth = tmp_path / "predictions.npz", read_h36m_2d(root, "test", 1)
    noise = np.random.default_rng(0).normal(0, 1, truth.joints.shape)
    write_predictions(path, "joints", factor * (truth.joints + noise), truth.names, head_size=9.5, test_stride=1)
    with pytest.raises(InputError, match=f"images of {size}.*multiply them by {1 / factor:g}"):
        scores.score_file(annotation_path(root, "test"), path, 9.5, 1)


def test_reference_has_the_keys_of_the_metrics(root, tmp_path):
    reference = reference_scores(RECIPE_2D, root)
    truth = read_h36m_2d(root, "test", 1)
    assert set(score(truth.joints, truth, 1.0)) <= set(reference) and 0 <= reference["jdr"] < 100
