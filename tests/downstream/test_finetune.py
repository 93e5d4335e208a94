"""The fine-tuning command: outputs, repeatability, resuming after a kill, and users' mistakes."""

import csv
import dataclasses
import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
import torch
from repository import REPOSITORY
from tiny.h36m import RECIPE, write_tiny_h36m
from tiny.interruption import stopped_at_save

from downstream import BENCHMARKS, reference
from downstream.finetune import main
from downstream.h36m import __main__ as h36m
from downstream.h36m.pose_3d.reader import annotation_path
from downstream.registry import finetune_modules
from liftedcl.identity.code_digest import code_digest
from liftedcl.identity.errors import run_cli
from liftedcl.networks.encoder import build_backbone, save_encoder

PRODUCTS = {"metrics.json", "predictions.npz", "examples.png", "history.csv", "provenance.json"}


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
    monkeypatch.setattr(sys, "argv", ["command", *words])
    command()


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
    metrics = json.loads((finished / "metrics.json").read_text())
    assert metrics["samples"] == 6 and 0 < metrics["pa_mpjpe_mm"] <= metrics["mpjpe_mm"] < 5000
    with np.load(finished / "predictions.npz", allow_pickle=False) as file:
        assert file["poses"].shape == (6, 17, 3) and not file["poses"][:, 0].any()
    with (finished / "history.csv").open() as file:
        assert [row["epoch"] for row in csv.DictReader(file)] == ["1", "2", "3"]
    provenance = json.loads((finished / "provenance.json").read_text())
    assert provenance["recipe"]["input_size"] == 64
    assert set(provenance["inputs"]) == {"encoder", "h36m_3d_train", "h36m_3d_test"}


def test_scores_come_again_from_the_predictions_alone(finished, inputs, tmp_path, monkeypatch):
    annotations = annotation_path(inputs / "h36m", "test")
    words = ["evaluate", "--benchmark", "h36m_3d", "--annotations", str(annotations)]
    words += ["--predictions", str(finished / "predictions.npz"), "--out", str(tmp_path / "again.json")]
    run(monkeypatch, words, h36m.main)
    assert (tmp_path / "again.json").read_bytes() == (finished / "metrics.json").read_bytes()


def test_workers_change_nothing(finished, inputs, tmp_path, monkeypatch):
    run(monkeypatch, arguments(inputs, tmp_path / "run", workers=1))
    for name in ("metrics.json", "history.csv"):
        assert (tmp_path / "run" / name).read_bytes() == (finished / name).read_bytes()


@pytest.mark.parametrize("saves", [2, 3])  # inside an epoch, and at its end
def test_a_killed_run_goes_on_to_the_same_bits(finished, inputs, tmp_path, monkeypatch, saves, capsys):
    out = tmp_path / "run"
    with stopped_at_save(saves):
        run(monkeypatch, arguments(inputs, out))
    assert (out / "last.pt").exists() and not (out / "metrics.json").exists()
    run(monkeypatch, arguments(inputs, out))
    assert f"from step {saves}" in capsys.readouterr().out
    assert products(out) == PRODUCTS
    for name in ("metrics.json", "history.csv"):
        assert (out / name).read_bytes() == (finished / name).read_bytes()


def test_seed_and_encoder_decide(finished, inputs, tmp_path, monkeypatch):
    torch.manual_seed(1)
    save_encoder(build_backbone("resnet18_narrow"), tmp_path / "other.pt")
    for change in ({"seed": 1}, {"encoder": tmp_path / "other.pt"}):
        run(monkeypatch, arguments(inputs, tmp_path / "run", **change))
        assert (tmp_path / "run" / "metrics.json").read_bytes() != (finished / "metrics.json").read_bytes()


def test_reference_command(inputs, tmp_path, monkeypatch):
    recipe = json.dumps(dataclasses.asdict(RECIPE))
    words = ["--benchmark", "h36m_3d", "--data", str(inputs / "h36m"), "--recipe", recipe]
    run(monkeypatch, [*words, "--out", str(tmp_path / "metrics.json")], reference.main)
    assert json.loads((tmp_path / "metrics.json").read_text())["predictor"] in ("camera_frame", "crop_coordinates")


@pytest.mark.parametrize("name", ["coco", "mpii", "h36m", "pw3d", "lip"])
def test_scores_need_no_torch(name):
    references = {entry.reference for entry in BENCHMARKS.values()}
    code = f"import sys, downstream.{name}.__main__, {', '.join(references)}; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=REPOSITORY)


def test_benchmarks_have_a_digest_of_their_own_code():
    assert len({code_digest(*finetune_modules(name)) for name in BENCHMARKS}) == len(BENCHMARKS)


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


def fails(monkeypatch, capsys, words):
    """Run the command as a user does; its one line on stderr."""
    with pytest.raises(SystemExit) as caught:
        run(monkeypatch, words, lambda: run_cli(main))
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
        assert "metrics.json" not in products(tmp_path / "run") if (tmp_path / "run").exists() else True
