"""Importing published checkpoints: made-up files with the published structure, strict about every key and byte."""

import argparse
import dataclasses
import hashlib
import subprocess
import sys

import pytest
import torch
from conftest import REPOSITORY

from liftedcl import weights
from liftedcl.encoder import build_backbone, load_encoder
from liftedcl.errors import InputError
from liftedcl.weights import SOURCES, import_weights

BACKBONE = "resnet18_narrow"  # the same names as resnet50, small


@pytest.fixture(scope="module")
def state():
    torch.manual_seed(0)
    return build_backbone(BACKBONE).state_dict()


def supervised(state):
    return {**state, "fc.weight": torch.zeros(1000, 8), "fc.bias": torch.zeros(1000)}


def moco(state):
    query = {f"module.encoder_q.{key}": value for key, value in state.items()}
    key = {f"module.encoder_k.{key}": value + 1 for key, value in state.items()}
    heads = {f"module.encoder_{side}.fc.{layer}.weight": torch.zeros(4, 4) for side in "qk" for layer in (0, 2)}
    queue = {"module.queue": torch.zeros(4, 8), "module.queue_ptr": torch.zeros(1, dtype=torch.long)}
    return {"epoch": 200, "arch": "resnet50", "state_dict": {**query, **key, **heads, **queue}}


@pytest.fixture
def publish(tmp_path, monkeypatch):
    """Save a checkpoint and let its source expect that file's checksum."""

    def save(content, source):
        path = tmp_path / "published.pth"
        torch.save(content, path)
        digest = hashlib.file_digest(path.open("rb"), SOURCES[source].algorithm).hexdigest()
        replaced = dataclasses.replace(SOURCES[source], checksums=(digest[:8],))
        monkeypatch.setitem(weights.SOURCES, source, replaced)
        return path

    return save


def refused(path, source, out, backbone=BACKBONE):
    with pytest.raises(InputError) as error:
        import_weights(path, source, backbone, out)
    assert str(error.value).startswith(str(path)) and "\n" not in str(error.value)
    assert not out.exists() and not list(out.parent.glob(".*"))
    return str(error.value)


@pytest.mark.parametrize(("source", "layout"), [("supervised", supervised), ("moco_v2", moco)])
def test_every_tensor_arrives(publish, state, tmp_path, source, layout):
    out = tmp_path / "encoder.pt"
    import_weights(publish(layout(state), source), source, BACKBONE, out)
    written = torch.load(out, weights_only=True)
    assert written.keys() == state.keys()
    assert all(torch.equal(written[key], value) for key, value in state.items())
    load_encoder(out, BACKBONE)


def test_missing_batch_counts_are_zero(publish, state, tmp_path):
    older = {key: value for key, value in supervised(state).items() if not key.endswith("num_batches_tracked")}
    import_weights(publish(older, "supervised"), "supervised", BACKBONE, tmp_path / "encoder.pt")
    assert load_encoder(tmp_path / "encoder.pt", BACKBONE).bn1.num_batches_tracked == 0


def test_keys_that_do_not_fit_are_refused(publish, state, tmp_path):
    out = tmp_path / "encoder.pt"
    full = supervised(state)
    one_missing = {key: value for key, value in full.items() if key != "layer3.0.conv2.weight"}
    assert "layer3.0.conv2.weight" in refused(publish(one_missing, "supervised"), "supervised", out)
    one_more = {**full, "layer9.weight": torch.zeros(1)}
    assert "layer9.weight" in refused(publish(one_more, "supervised"), "supervised", out)
    other_shape = {**full, "conv1.weight": torch.zeros(16, 3, 3, 3)}
    assert "conv1.weight" in refused(publish(other_shape, "supervised"), "supervised", out)
    refused(publish(full, "supervised"), "supervised", out, backbone="resnet18")
    refused(publish(full, "supervised"), "supervised", out, backbone="resnet50")


def test_a_file_of_another_source_is_refused(publish, state, tmp_path):
    out = tmp_path / "encoder.pt"
    refused(publish(moco(state), "supervised"), "supervised", out)
    assert "state_dict" in refused(publish(supervised(state), "moco_v2"), "moco_v2", out)
    refused(publish({"state_dict": {"module.queue": torch.zeros(1)}}, "moco_v2"), "moco_v2", out)
    unknown = {"state_dict": {**moco(state)["state_dict"], "module.predictor.weight": torch.zeros(1)}}
    assert "predictor" in refused(publish(unknown, "moco_v2"), "moco_v2", out)
    refused(publish([1, 2], "supervised"), "supervised", out)


def test_objects_that_are_not_tensors_are_never_loaded(publish, state, tmp_path):
    content = {**moco(state), "args": argparse.Namespace(lr=0.03)}
    assert "run code" in refused(publish(content, "moco_v2"), "moco_v2", tmp_path / "encoder.pt")


def test_missing_truncated_or_changed_file(publish, state, tmp_path):
    out = tmp_path / "encoder.pt"
    assert "no such file" in refused(tmp_path / "none.pth", "moco_v2", out)
    path = publish(moco(state), "moco_v2")
    path.write_bytes(path.read_bytes()[:-1000])
    assert "md5" in refused(path, "moco_v2", out)
    torch.save(supervised(state), path)
    assert "0676ba61" in refused(path, "supervised", out)


def test_truncated_at_the_source(tmp_path, monkeypatch, state):
    """Even if the checksum agreed, a cut file would be named."""
    path = tmp_path / "cut.pth"
    torch.save(supervised(state), path)
    path.write_bytes(path.read_bytes()[:-1000])
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    monkeypatch.setitem(SOURCES, "supervised", dataclasses.replace(SOURCES["supervised"], checksums=(digest[:8],)))
    assert "not a readable checkpoint" in refused(path, "supervised", tmp_path / "encoder.pt")


def test_command_line_ends_in_one_line(tmp_path):
    (tmp_path / "x.pth").write_bytes(b"no checkpoint")
    command = [sys.executable, "-m", "liftedcl.weights", "import", str(tmp_path / "x.pth"), "--source", "moco_v2"]
    command += ["--backbone", "resnet50", "--out", str(tmp_path / "encoder.pt")]
    result = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
    assert result.returncode == 2 and result.stderr.startswith("error: ") and result.stderr.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["x.pth"]
