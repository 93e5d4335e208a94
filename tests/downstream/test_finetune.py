"""The commands that fine-tune, score and draw: outputs, repeatability, resuming after a kill, and users' mistakes."""

import csv
import dataclasses
import json
import shutil
import sys

import cv2
import numpy as np
import pytest
import torch
from tiny.h36m import RECIPE, write_tiny_h36m
from tiny.interruption import stopped_at_save
from tiny.tasks import task_of

from downstream import draw, reference, score
from downstream.finetune import main
from downstream.h36m import __main__ as h36m
from downstream.h36m.pose_3d.reader import annotation_path
from liftedcl.files.atomic import sha256_of_file
from liftedcl.identity.errors import run_cli
from liftedcl.networks.encoder import build_backbone, save_encoder

PRODUCTS = {"trained.pt", "predictions.npz", "history.csv", "provenance.json"}
RESULTS = ("trained.pt", "predictions.npz", "history.csv")


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """A folder with data and an encoder."""
    folder = tmp_path_factory.mktemp("inputs")
    write_tiny_h36m(folder / "h36m")
    torch.manual_seed(0)
    save_encoder(build_backbone("resnet18_narrow"), folder / "encoder.pt")
    return folder


def arguments(inputs, out, **changes):
    given = {
        "benchmark": "h36m_3d",
        "recipe": json.dumps(dataclasses.asdict(RECIPE)),
        "encoder": inputs / "encoder.pt",
        "backbone": "resnet18_narrow",
        "data": inputs / "h36m",
        "out": out,
        **changes,
    }
    return [word for key, value in given.items() for word in (f"--{key}", str(value))]


def run(monkeypatch, words, command=main):
    monkeypatch.setattr(sys, "argv", ["command", *map(str, words)])
    command()


def about(inputs, **changes):
    """Arguments of the commands that don't train."""
    recipe = json.dumps(dataclasses.asdict(RECIPE))
    given = {"benchmark": "h36m_3d", "recipe": recipe, "data": inputs / "h36m", **changes}
    return [word for key, value in given.items() for word in (f"--{key}", value)]


def products(folder):
    return {path.name for path in folder.iterdir() if path.name != ".claim"}


@pytest.fixture(scope="module")
def finished(inputs, tmp_path_factory):
    """The folder of one undisturbed run."""
    out = tmp_path_factory.mktemp("finished") / "h36m_3d"
    with pytest.MonkeyPatch.context() as monkeypatch:
        run(monkeypatch, arguments(inputs, out))
    return out


def test_products(finished, inputs):
    assert products(finished) == PRODUCTS
    with np.load(finished / "predictions.npz", allow_pickle=False) as file:
        assert file["poses"].shape == (6, 17, 3) and not file["poses"][:, 0].any()
    with (finished / "history.csv").open() as file:
        assert [row["epoch"] for row in csv.DictReader(file)] == ["1", "2", "3"]
    provenance = json.loads((finished / "provenance.json").read_text())
    assert provenance["recipe"]["input_size"] == 64
    annotations = {f"h36m/annotations/{annotation_path(inputs, split).name}" for split in ("train", "test")}
    assert set(provenance["inputs"]) == {"encoder", *annotations}


def test_batch_norm_takes_the_recipes_number_of_samples(finished, inputs, tmp_path, monkeypatch):
    """The same run but for groups of two in batches of four: the same tensors, other numbers."""
    recipe = json.dumps(dataclasses.asdict(dataclasses.replace(RECIPE, norm_samples=2)))
    run(monkeypatch, arguments(inputs, tmp_path, recipe=recipe))
    whole, grouped = (torch.load(folder / "trained.pt", weights_only=True) for folder in (finished, tmp_path))
    assert whole.keys() == grouped.keys()
    assert not torch.equal(whole["backbone.conv1.weight"], grouped["backbone.conv1.weight"])


def test_the_trained_network_predicts_what_was_written(finished, inputs, tmp_path):
    task = task_of("h36m_3d", RECIPE, inputs / "h36m")
    task.module.load_state_dict(torch.load(finished / "trained.pt", weights_only=True))
    task.write_predictions(tmp_path)
    assert (tmp_path / "predictions.npz").read_bytes() == (finished / "predictions.npz").read_bytes()


def test_scores_are_made_of_the_predictions_alone(finished, inputs, tmp_path, monkeypatch):
    """Without pictures and without the network; the data set's own command gives the same file."""
    shutil.copy(finished / "predictions.npz", tmp_path)
    shutil.copytree(inputs / "h36m" / "annotations", tmp_path / "h36m" / "annotations")
    words = about(inputs, data=tmp_path / "h36m", run=tmp_path, out=tmp_path / "metrics.json")
    run(monkeypatch, words, score.main)
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert metrics["samples"] == 6 and 0 < metrics["pa_mpjpe_mm"] <= metrics["mpjpe_mm"] < 5000
    provenance = json.loads((tmp_path / "metrics.provenance.json").read_text())
    trained = json.loads((finished / "provenance.json").read_text())
    assert provenance["recipe"] == trained["recipe"] and provenance["code"] != trained["code"]
    predictions = {"predictions.npz": sha256_of_file(finished / "predictions.npz")}
    assert provenance["inputs"] | {"encoder": trained["inputs"]["encoder"]} == trained["inputs"] | predictions
    words = ["evaluate", "--benchmark", "h36m_3d", "--annotations", annotation_path(inputs / "h36m", "test")]
    words += ["--predictions", finished / "predictions.npz", "--out", tmp_path / "again.json"]
    run(monkeypatch, words, h36m.main)
    assert (tmp_path / "again.json").read_bytes() == (tmp_path / "metrics.json").read_bytes()


def test_predictions_are_drawn_without_the_network(finished, inputs, tmp_path, monkeypatch):
    shutil.copy(finished / "predictions.npz", tmp_path)
    run(monkeypatch, about(inputs, run=tmp_path, out=tmp_path / "examples.png"), draw.main)
    picture = cv2.imread(str(tmp_path / "examples.png"))
    assert picture is not None and picture.std() > 10


@pytest.mark.parametrize("command", [score, draw])
def test_a_run_without_predictions_ends_in_one_line(inputs, tmp_path, monkeypatch, capsys, command):
    words = about(inputs, run=tmp_path, out=tmp_path / "out.json")
    line = fails(monkeypatch, capsys, words, command.main)
    assert "predictions.npz: not found; docs/data/h36m.md" in line and not list(tmp_path.iterdir())


def test_workers_change_nothing(finished, inputs, tmp_path, monkeypatch):
    run(monkeypatch, arguments(inputs, tmp_path / "run", workers=1))
    for name in RESULTS:
        assert (tmp_path / "run" / name).read_bytes() == (finished / name).read_bytes()


@pytest.mark.parametrize("saves", [2, 3])  # inside an epoch, and at its end
def test_a_killed_run_goes_on_to_the_same_bits(finished, inputs, tmp_path, monkeypatch, saves, capsys):
    out = tmp_path / "run"
    with stopped_at_save(saves):
        run(monkeypatch, arguments(inputs, out))
    assert (out / "last.pt").exists() and not (out / "provenance.json").exists()
    run(monkeypatch, arguments(inputs, out))
    assert f"from step {saves}" in capsys.readouterr().out
    assert products(out) == PRODUCTS
    for name in RESULTS:
        assert (out / name).read_bytes() == (finished / name).read_bytes()


def test_seed_and_encoder_decide(finished, inputs, tmp_path, monkeypatch):
    torch.manual_seed(1)
    save_encoder(build_backbone("resnet18_narrow"), tmp_path / "other.pt")
    for change in ({"seed": 1}, {"encoder": tmp_path / "other.pt"}):
        run(monkeypatch, arguments(inputs, tmp_path / "run", **change))
        for name in RESULTS:
            assert (tmp_path / "run" / name).read_bytes() != (finished / name).read_bytes()


def test_reference_command(inputs, tmp_path, monkeypatch):
    run(monkeypatch, about(inputs, out=tmp_path / "reference.json"), reference.main)
    scores = json.loads((tmp_path / "reference.json").read_text())
    assert scores["trivial"]["predictor"] in ("camera_frame", "crop_coordinates")
    assert scores["bound"]["mpjpe_mm"] < 0.1 < scores["trivial"]["mpjpe_mm"]


def cut_json(data):
    path = annotation_path(data, "train")
    path.write_bytes(path.read_bytes()[:-40])


def empty_json(data):
    annotation_path(data, "train").write_text('{"images": [], "annotations": []}')


def spoil_picture(data, spoil):
    path = next((data / "images").glob("s_01*/*.jpg"))
    path.write_bytes(spoil(path.read_bytes()))


DAMAGES = {
    "no annotations": (lambda data: annotation_path(data, "test").unlink(), "protocol_2.json: not found"),
    "truncated JSON": (cut_json, "not valid JSON"),
    "empty list": (empty_json, "holds no sample"),
    "truncated picture": (lambda data: spoil_picture(data, lambda raw: raw[: len(raw) // 2]), ".jpg"),
    "empty picture": (lambda data: spoil_picture(data, lambda raw: b""), ".jpg"),
}


def fails(monkeypatch, capsys, words, command=main):
    """Run the command as a user does; its one line on stderr."""
    with pytest.raises(SystemExit) as caught:
        run(monkeypatch, words, lambda: run_cli(command))
    assert caught.value.code == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1 and lines[0].startswith("error: ")
    return lines[0]


@pytest.mark.parametrize("name", DAMAGES)
def test_damaged_data_ends_in_one_line(inputs, tmp_path, monkeypatch, capsys, name):
    damage, message = DAMAGES[name]
    shutil.copytree(inputs / "h36m", tmp_path / "h36m")
    damage(tmp_path / "h36m")
    words = arguments(inputs, tmp_path / "run", data=tmp_path / "h36m")
    line = fails(monkeypatch, capsys, words)
    assert message in line and "docs/data" in line and str(tmp_path) in line
    assert products(tmp_path / "run") == set()


def test_damaged_picture_is_named_from_a_worker_too(inputs, tmp_path, monkeypatch, capsys):
    shutil.copytree(inputs / "h36m", tmp_path / "h36m")
    spoil_picture(tmp_path / "h36m", lambda raw: raw[:300])
    line = fails(monkeypatch, capsys, arguments(inputs, tmp_path / "run", data=tmp_path / "h36m", workers=1))
    assert ".jpg" in line and "Traceback" not in line


def test_wrong_arguments_end_in_one_line(inputs, tmp_path, monkeypatch, capsys):
    recipe = dataclasses.asdict(RECIPE)
    for changes, message in (
        ({"backbone": "resnet18"}, "encoder.pt: is not a resnet18"),
        ({"backbone": "resnet19"}, "resnet19"),
        ({"encoder": tmp_path / "none.pt"}, "none.pt: not found"),
        ({"recipe": json.dumps({**recipe, "epoch": 3})}, "did you mean epochs?"),
        ({"recipe": json.dumps({**recipe, "batch_size": 64})}, "less than a batch of 64"),
        ({"recipe": json.dumps({**recipe, "learning_rate": 1e30})}, "not finite"),
    ):
        assert message in fails(monkeypatch, capsys, arguments(inputs, tmp_path / "run", **changes))
        assert "provenance.json" not in products(tmp_path / "run") if (tmp_path / "run").exists() else True
