"""Reader, check and scores of Human3.6M parsing: what is wrong with a file is named, and scores are torchmetrics'."""

import argparse
import dataclasses
import json

import numpy as np
import pytest
from tiny.parsing.h36m_parsing import RECIPE, write_png, write_tiny_parsing

from downstream.h36m import evaluate
from downstream.h36m.parsing.check import findings
from downstream.h36m.parsing.labels import CLASSES, LABELS
from downstream.h36m.parsing.reader import read_depth, read_parsing
from downstream.h36m.parsing.reference import bound_scores, reference_scores
from downstream.h36m.parsing.scores import score_samples
from downstream.label_maps.predictions import write_prediction
from downstream.label_maps.scores import confusion, score
from liftedcl.data_sets.h36m.data_set import DATA_SET
from liftedcl.data_sets.h36m.parsing_files import PARSING
from liftedcl.identity.errors import InputError


@pytest.fixture
def root(tmp_path):
    return write_tiny_parsing(tmp_path / "h36m")


def fails(root, *named, split="test", stride=1):
    with pytest.raises(InputError) as caught:
        read_parsing(root, split, stride)
    message = str(caught.value)
    assert "\n" not in message and all(str(name) in message for name in named), message


def test_strides_count_frames_of_the_videos(root):
    """Frames 1, 26, 51 ... of the tiny set: every 25th is all, every 50th the odd ones."""
    assert len(read_parsing(root, "train", 25)) == len(read_parsing(root, "train", 1)) == 9
    odd = ["000001", "000051", "000101", "000151", "000201"]
    assert [name[-6:] for name in read_parsing(root, "train", 50).names] == odd
    (root / PARSING["test"]).write_text("\n".join(read_parsing(root, "test", 1).pictures[1:]))
    fails(root, root / PARSING["test"], "of its 5 frames none is every 1000th", stride=1000)


def test_label_maps_of_other_sizes_are_named(root):
    samples = read_parsing(root, "test", 1)
    path, labels = samples.label_path(1), samples.label(1)
    write_png(path, labels.T.copy())
    fails(root, path, samples.pictures[1], "62x60 px", "60x62: it is transposed")
    write_png(path, labels[1:])
    fails(root, path, "60x61 px, the picture 60x62")
    path.unlink()
    fails(root, path, "not found")


def test_damaged_labels_and_lists_are_named(root):
    samples = read_parsing(root, "test", 1)
    path, labels = samples.label_path(2), samples.label(2).copy()
    labels[0, 0] = 25
    write_png(path, labels)
    with pytest.raises(InputError, match="class 25 is not from 0 to 24"):
        samples.label(2)
    (told,) = [finding for finding in findings(root) if "class 25" in finding.text]
    assert told.state == "broken" and str(path) in told.text
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(InputError, match="truncated"):
        samples.label(2)
    listed = root / PARSING["test"]
    for content, named in (
        ("", "names no frame"), ("# only this\n", "names no frame"), ("images/a.jpg\n", "is not the path of a frame"),
        (f"../{samples.pictures[0]}\n", "is not a path below"), (2 * f"{samples.pictures[0]}\n", "occurs twice"),
    ):  # fmt: skip
        listed.write_text(content)
        fails(root, listed, named)
    listed.write_bytes(b"\xff\xfe\xff")
    fails(root, listed, "not a text file")
    listed.unlink()
    fails(root, listed, "not found")


def test_depth_is_metres_of_16_bit_millimetres(root):
    samples = read_parsing(root, "test", 1, depth=True)
    np.testing.assert_array_equal(samples.image(0)[..., 0], samples.label(0).astype(np.float32))
    path = next((root / "parsing" / "depth").rglob("*.png"))
    write_png(path, np.zeros((9, 9), np.uint8))
    with pytest.raises(InputError, match="16-bit grey PNG"):
        read_depth(path)


def test_check_compares_with_the_published_numbers(root, monkeypatch, tmp_path):
    told = list(findings(root))
    assert [finding.state for finding in told] == ["differs", "ok", "differs", "ok"]
    assert "9, the official release has 62,668" in told[0].text and "6, the official release has 22,144" in told[2].text
    monkeypatch.setitem(DATA_SET.counts, "frames for parsing", {"train": (9, 9), "test": (6, 6)})
    assert [finding.state for finding in findings(root)] == ["ok"] * 4
    (nothing,) = findings(tmp_path / "empty")
    assert nothing.state == "ok" and "not made" in nothing.text


@pytest.mark.parametrize(
    ("true", "predicted"),
    [(range(25), range(25)), (range(25), range(12)), (range(7), range(25)), ((0, 3, 11), (0, 3, 24)), ((20,), (20,))],
)
def test_scores_are_torchmetrics_also_of_absent_classes(true, predicted):
    classification = pytest.importorskip("torchmetrics.classification")
    torch = pytest.importorskip("torch")
    rng, counts = np.random.default_rng(0), 0
    miou = classification.MulticlassJaccardIndex(25, average="macro", ignore_index=255)
    accuracy = classification.MulticlassAccuracy(25, average="macro", ignore_index=255)
    for _ in range(3):
        truth = rng.choice([*true], (1, 40, 30)).astype(np.uint8)
        labels = np.where(rng.random(truth.shape) < 0.6, truth, rng.choice([*predicted], truth.shape)).astype(np.uint8)
        truth[rng.random(truth.shape) < 0.1] = 255
        counts = counts + confusion(truth, labels, 25)
        for measure in (miou, accuracy):
            measure.update(torch.from_numpy(labels), torch.from_numpy(truth).long())
    ours = score(counts, CLASSES)
    assert ours["miou"] == pytest.approx(100 * miou.compute().item(), abs=1e-4)
    assert ours["mean_accuracy"] == pytest.approx(100 * accuracy.compute().item(), abs=1e-4)


def test_a_perfect_prediction_scores_100_through_the_command_and_exchanged_sides_dont(root, tmp_path, capsys):
    samples = read_parsing(root, "test", 1)
    for n, name in enumerate(samples.names):
        write_prediction(tmp_path / "right", name, samples.label(n))
        write_prediction(tmp_path / "mirrored", name, LABELS.swap_sides(samples.label(n)))
    words = {}
    for folder in ("right", "mirrored"):
        parser = argparse.ArgumentParser()
        evaluate.add_arguments(parser)
        evaluate.run(parser.parse_args([
            "--benchmark", "h36m_parsing", "--annotations", str(root / PARSING["test"]), "--predictions",
            str(tmp_path / folder), "--out", str(tmp_path / f"{folder}.json"),
        ]))  # fmt: skip
        words[folder] = json.loads((tmp_path / f"{folder}.json").read_text())
    assert words["right"]["miou"] == words["right"]["pixel_accuracy"] == 100 and "stride 25" in capsys.readouterr().out
    trunk = {part for part in CLASSES if "left" not in part and "right" not in part}
    assert {part for part, row in words["mirrored"]["per_class"].items() if row["iou"] == 100} == trunk


def test_predictions_of_another_size_are_named(root, tmp_path):
    samples = read_parsing(root, "test", 1)
    for n, name in enumerate(samples.names):
        write_prediction(tmp_path, name, samples.label(n)[1:])
    with pytest.raises(InputError, match="66 x 65 px, but its label map"):
        score_samples(samples, tmp_path)


def test_the_bound_is_what_resizing_costs(root):
    """Nothing where the input is a multiple of the frame, more the smaller it is."""
    square = write_tiny_parsing(root.parent / "square", sizes=((33, 33),))
    assert bound_scores(RECIPE, square)["miou"] == 100
    recipes = [dataclasses.replace(RECIPE, input_size=size) for size in (132, 64, 33)]
    costs = [100 - bound_scores(recipe, root)["miou"] for recipe in recipes]
    assert 0 <= costs[0] < costs[1] < costs[2] < 30


def test_the_reference_knows_where_things_are_but_not_the_picture(root):
    scores = reference_scores(RECIPE, root)
    assert set(scores["candidates"]) == {"background", "commonest_class"} and scores["samples"] == 6
    samples = read_parsing(root, "test", 1)
    truth = np.concatenate([samples.label(n).ravel() for n in range(6)])
    assert scores["candidates"]["background"]["pixel_accuracy"] == pytest.approx(100 * np.mean(truth == 0))
