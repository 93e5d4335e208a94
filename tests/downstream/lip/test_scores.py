"""Scores of human parsing: parity with torchmetrics, exact values through written files, and bad predictions."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from tiny.lip import write_image, write_sample, write_tiny_lip

from downstream.lip.__main__ import check, main
from downstream.lip.labels import CLASSES, IGNORED
from downstream.lip.predictions import write_prediction
from downstream.lip.reader import label_path, read_label, read_lip
from downstream.lip.reference import commonest_classes, reference_scores
from downstream.lip.scores import confusion, score, score_folders
from liftedcl.identity.errors import InputError, run_cli


@pytest.fixture
def root(tmp_path):
    return write_tiny_lip(tmp_path / "lip", train=8, val=5, sizes=((60, 41), (48, 57)))


@pytest.fixture
def command(monkeypatch, capsys):
    """A function that runs the command as a user does: its exit status, and what it says on stdout and stderr."""

    def run(*arguments):
        capsys.readouterr()
        monkeypatch.setattr(sys, "argv", ["downstream.lip", *map(str, arguments)])
        try:
            run_cli(main)
            status = 0
        except SystemExit as ended:
            status = ended.code
        return status, *capsys.readouterr()

    return run


def _predict(root, change) -> Path:
    """Write ``change(true labels)`` of the val split as predictions."""
    samples, folder = read_lip(root, "val"), root.parent / "predictions"
    for i, name in enumerate(samples.names):
        write_prediction(folder, name, change(samples.label(i)))
    return folder


def _slow_scores(pairs):
    """Pixel accuracy, mean accuracy and mIoU, pixel by pixel, of pictures with every class."""
    right, true, either = [0] * 20, [0] * 20, [0] * 20
    for truth, predicted in pairs:
        for a, b in zip(truth.ravel().tolist(), predicted.ravel().tolist(), strict=True):
            if a != IGNORED:
                true[a] += 1
                either[a] += 1
                right[a] += a == b
                either[b] += a != b
    accuracies = [100 * r / t for r, t in zip(right, true, strict=True)]
    ious = [100 * r / e for r, e in zip(right, either, strict=True)]
    return {
        "pixel_accuracy": 100 * sum(right) / sum(true),
        "mean_accuracy": sum(accuracies) / 20,
        "miou": sum(ious) / 20,
    }


@pytest.mark.parametrize(
    ("true", "predicted"),
    [
        (range(20), range(20)),
        (range(20), range(12)),  # classes that are never predicted
        (range(12), range(20)),  # classes that are only predicted
        ((0, 2, 5, 13), (0, 2, 13, 19)),  # classes that don't occur at all
        ((7,), (7,)),
    ],
)
@pytest.mark.parametrize("ignored", [0.0, 0.3])
def test_scores_are_torchmetrics(true, predicted, ignored):
    classification = pytest.importorskip("torchmetrics.classification")
    torch = pytest.importorskip("torch")
    rng, counts = np.random.default_rng(0), 0
    measures = {
        "miou": classification.MulticlassJaccardIndex(20, average="macro", ignore_index=IGNORED),
        "mean_accuracy": classification.MulticlassAccuracy(20, average="macro", ignore_index=IGNORED),
        "pixel_accuracy": classification.MulticlassAccuracy(20, average="micro", ignore_index=IGNORED),
    }
    per_class = classification.MulticlassJaccardIndex(20, average="none", ignore_index=IGNORED)
    for _ in range(3):
        truth = rng.choice([*true], (1, 30, 20)).astype(np.uint8)
        labels = np.where(rng.random(truth.shape) < 0.6, truth, rng.choice([*predicted], truth.shape)).astype(np.uint8)
        if set(predicted) < set(true):
            labels = rng.choice([*predicted], truth.shape).astype(np.uint8)
        truth[rng.random(truth.shape) < ignored] = IGNORED
        counts = counts + confusion(truth, labels)
        for measure in (*measures.values(), per_class):
            measure.update(torch.from_numpy(labels), torch.from_numpy(truth).long())
    ours = score(counts)
    for name, measure in measures.items():
        assert ours[name] == pytest.approx(100 * measure.compute().item(), abs=1e-4), name
    theirs = per_class.compute().tolist()
    for name, row in ours["per_class"].items():
        assert row["iou"] == pytest.approx(100 * theirs[CLASSES.index(name)], abs=1e-4)
    shown = (counts.sum(0) + counts.sum(1)) > 0
    assert list(ours["per_class"]) == [name for name, there in zip(CLASSES, shown, strict=True) if there]


def test_a_perfect_prediction_scores_100_through_the_command(root, command):
    status, told, errors = command(
        "evaluate", "--annotations", root / "val_segmentations", "--predictions", _predict(root, lambda labels: labels),
        "--out", root.parent / "scores.json",
    )  # fmt: skip
    assert status == 0, errors
    scores = json.loads((root.parent / "scores.json").read_text())
    assert scores["pixel_accuracy"] == scores["mean_accuracy"] == scores["miou"] == 100 and scores["samples"] == 5
    assert "mIoU 100.00" in told and all(name in told for name in scores["per_class"])


@pytest.mark.parametrize("shift", [1, 4])
def test_a_shifted_prediction_scores_exactly_what_a_slow_loop_counts(root, command, shift):
    samples = read_lip(root, "val")
    for name, i in zip(samples.names, range(5), strict=True):
        labels = samples.label(i).copy()
        labels[:2] = IGNORED
        write_sample(root, "val", name, labels)
    folder = _predict(root, lambda labels: np.roll(np.where(labels == IGNORED, 3, labels), shift, axis=1))
    status, _, errors = command(
        "evaluate", "--annotations", root / "val_segmentations", "--predictions", folder, "--out", root / "scores.json"
    )
    assert status == 0, errors
    scores = json.loads((root / "scores.json").read_text())
    expected = _slow_scores((samples.label(i), read_label(folder / f"{samples.names[i]}.png")) for i in range(5))
    assert expected["miou"] < 95
    for name, value in expected.items():
        assert scores[name] == pytest.approx(value, rel=1e-12)


def test_a_whole_split_is_one_confusion_matrix(root):
    """Not a mean over pictures: each pixel weighs the same."""
    samples, counts = read_lip(root, "val"), 0
    folder = _predict(root, lambda labels: np.roll(labels, 2, axis=0))
    for i in range(5):
        counts = counts + confusion(samples.label(i), np.roll(samples.label(i), 2, axis=0))
    scores = score_folders(root / "val_segmentations", folder)
    assert {key: scores[key] for key in score(counts)} == score(counts)
    assert counts.sum() == samples.sizes.prod(axis=1).sum()


def _fails(root, folder, *mentioned):
    with pytest.raises(InputError) as caught:
        score_folders(root / "val_segmentations", folder)
    assert all(str(text) in str(caught.value) for text in mentioned)


def test_bad_predictions_are_named(root, command):
    folder = _predict(root, lambda labels: labels)
    path = sorted(folder.iterdir())[2]
    labels = read_label(path)
    write_image(path, labels[1:])
    _fails(root, folder, path, root / "val_segmentations" / path.name, "px")
    unlabelled = labels.copy()
    unlabelled[0, 0] = IGNORED
    write_image(path, unlabelled)
    _fails(root, folder, path, "255")
    path.unlink()
    status, _, errors = command("evaluate", "--annotations", root / "val_segmentations", "--predictions", folder)
    assert status == 2 and len(errors.splitlines()) == 1 and f"{path}: not found" in errors


def test_annotations_without_anything_to_score_are_named(root):
    folder = _predict(root, lambda labels: labels)
    for path in (root / "val_segmentations").iterdir():
        write_image(path, np.full_like(read_label(path), IGNORED))
    _fails(root, folder, root / "val_segmentations", "ignored")
    for path in (root / "val_segmentations").iterdir():
        path.unlink()
    _fails(root, folder, root / "val_segmentations", "no label map")
    (root / "val_segmentations").rmdir()
    _fails(root, folder, root / "val_segmentations", "not found")


def test_the_reference_knows_where_things_are_but_not_the_picture(tmp_path):
    """People are stretched alike: a shirt in the middle of every picture, whatever its size."""
    for split, sizes in (("train", [(40, 20), (60, 30), (80, 50)]), ("val", [(64, 32), (33, 57)])):
        names = [f"{height}_{width}" for height, width in sizes]
        for name, (height, width) in zip(names, sizes, strict=True):
            labels = np.zeros((height, width), np.uint8)
            labels[height // 4 : -(height // 4), width // 4 : -(width // 4)] = CLASSES.index("upper_clothes")
            write_sample(tmp_path, split, name, labels)
        (tmp_path / f"{split}_id.txt").write_text("\n".join(names))
    scores = reference_scores(None, tmp_path)
    background, commonest = (scores["candidates"][name] for name in ("background", "commonest_class"))
    assert scores["predictor"] == "commonest_class" and scores["miou"] == commonest["miou"] > 90
    val = read_lip(tmp_path, "val")
    truth = np.concatenate([val.label(i).ravel() for i in range(2)])
    assert background["pixel_accuracy"] == pytest.approx(100 * np.mean(truth == 0))
    assert background["miou"] == pytest.approx(100 * np.mean(truth == 0) / 2) and scores["samples"] == 2


def test_a_split_to_test_on_without_any_class_is_refused_before_it_is_scored(root):
    for path in (root / "val_segmentations").iterdir():
        write_image(path, np.full_like(read_label(path), IGNORED))
    with pytest.raises(InputError, match="val_segmentations: every pixel of all 5 label maps is ignored"):
        reference_scores(None, root)


def test_ignored_pixels_have_no_say_in_the_commonest_class(root):
    for name in read_lip(root, "train").names:
        labels = np.full((40, 40), IGNORED, np.uint8)
        if name.startswith("1_"):
            labels[:] = 7
        write_sample(root, "train", name, labels)
    assert (commonest_classes(read_lip(root, "train")) == 7).all()


def test_check_counts_and_names_what_is_missing(root, command):
    states = [finding.state for finding in check(root)]
    assert set(states) == {"ok", "differs"}
    gone = label_path(root, "train", read_lip(root, "train").names[3])
    gone.unlink()
    texts = [finding.text for finding in check(root) if finding.state == "missing"]
    assert any(str(gone) in text for text in texts)
    status, told, _ = command("check", "--data", root)
    assert status == 1 and str(gone) in told and "8, the official release has 30,462" in told


def test_check_of_an_empty_folder_names_both_lists(tmp_path):
    missing = [finding.text for finding in check(tmp_path) if finding.state == "missing"]
    assert all(any(str(tmp_path / f"{split}_id.txt") in text for text in missing) for split in ("train", "val"))
