"""Importing published checkpoints: made-up files in the published layouts, strict about every key, value and byte."""

import argparse
import dataclasses
import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import torchvision
from repository import REPOSITORY

from liftedcl import weights
from liftedcl.identity.errors import InputError
from liftedcl.networks.encoder import build_backbone, load_encoder
from liftedcl.recipes.weight_sources import SOURCES as ALL_SOURCES
from liftedcl.weights import import_weights

BACKBONE = "resnet18_narrow"  # the names of a ResNet, small
SOURCES = {
    name: source for name, source in ALL_SOURCES.items() if source.layouts
}  # tests/liftedcl/importing has others


def state_of(backbone):
    torch.manual_seed(0)
    return build_backbone(backbone).train().state_dict()


@pytest.fixture(scope="module")
def state():
    return state_of(BACKBONE)


def under(prefix, tensors):
    return {f"{prefix}{key}": value for key, value in tensors.items()}


def changed(state):
    """A momentum copy: the same names, other values."""
    return {key: value + 1 for key, value in state.items()}


def layers(name, *numbers):
    return {f"{name}{i}.{kind}": torch.full((4,), 7.0) for i in numbers for kind in ("weight", "bias")}


def queues(*names):
    pointers = {f"{name}_ptr": torch.zeros(1, dtype=torch.long) for name in names}
    return {name: torch.ones(4, 8) for name in names} | pointers


def without_counts(tensors):
    return {key: value for key, value in tensors.items() if not key.endswith("num_batches_tracked")}


def optimiser(state):
    """What ``optimizer.state_dict()`` of an SGD with momentum holds."""
    parameter = torch.nn.Parameter(torch.ones(3))
    sgd = torch.optim.SGD([parameter], lr=0.03, momentum=0.9)
    parameter.sum().backward()
    sgd.step()
    return sgd.state_dict()


def supervised(state):
    return {**state, "fc.weight": torch.zeros(1000, 8), "fc.bias": torch.zeros(1000)}


def moco(state):
    query = {**state, **layers("fc.", 0, 2)}
    model = {**under("encoder_q.", query), **under("encoder_k.", changed(query)), **queues("queue")}
    beside = {"epoch": 200, "arch": "resnet50", "optimizer": optimiser(state)}
    return {**beside, "state_dict": under("module.", model)}


def densecl_released(state):
    return {"state_dict": dict(state), "author": "DenseCL"}


def densecl_training(state):
    neck = layers("mlp.", 0, 2) | layers("mlp2.", 0, 2)
    query = {**under("0.", state), **under("1.", neck)}
    model = {**under("encoder_q.", query), **under("encoder_k.", changed(query)), **under("backbone.", state)}
    meta = {"meta": {"epoch": 200, "iter": 1, "time": "Mon Feb  1 2021"}, "optimizer": optimiser(state)}
    return {**meta, "state_dict": {**queues("queue", "queue2"), **model}}


def projector(name):
    return {**layers(f"{name}.linear", 1, 2), f"{name}.bn1.running_mean": torch.zeros(4)}


def pixpro(state):
    """The model alone, with the heads of either recipe: value transform and instance branch."""
    model = {**under("encoder.", state), **under("encoder_k.", changed(state))}
    for name in ("projector", "projector_k", "projector_instance", "projector_instance_k", "predictor"):
        model |= projector(name)
    model |= {"value_transform.weight": torch.zeros(4, 4, 1, 1), "value_transform.bias": torch.zeros(4)}
    return {"model": under("module.", model)}


def setsim(state):
    query = {**under("0.", {**state, **layers("fc.", 0, 2)}), **layers("1.", 0, 2)}
    model = {**under("encoder_q.", query), **under("encoder_k.", changed(query)), **queues("queue", "queue2")}
    model |= {"logits_mask": torch.ones(2, 4, 8), "negative_mask": torch.zeros(2, 4, 8)}
    return {"epoch": 200, "arch": "resnet50", "optimizer": optimiser(state), "state_dict": under("module.", model)}


def liftedcl_bare(state):
    heads = layers("mlp_invariant.", 0, 2) | layers("conv_variant.", 0, 2) | layers("lifting.fc", 1, 2)
    query = {**state, **heads}
    model = {**under("encoder_q.", query), **under("encoder_k.", changed(query)), **queues("queue_inv", "queue_var")}
    return under("module.", {**model, "queue_ptr": torch.zeros(1, dtype=torch.long)})


def liftedcl_training(state):
    beside = {"epoch": 200, "arch": "resnet50", "optimizer_G": optimiser(state)}
    return {**beside, "state_dict": liftedcl_bare(state)}


LAYOUTS = [
    ("supervised", supervised), ("moco_v2", moco), ("densecl", densecl_released), ("densecl", densecl_training),
    ("pixpro", pixpro), ("setsim", setsim), ("liftedcl", liftedcl_bare), ("liftedcl", liftedcl_training),
]  # fmt: skip
every_layout = pytest.mark.parametrize(("source", "layout"), LAYOUTS, ids=[layout.__name__ for _, layout in LAYOUTS])


@pytest.fixture
def publish(tmp_path, monkeypatch):
    """Save a checkpoint and let its source, where it states a checksum, expect that file's."""

    def save(content, source, **options):
        path = tmp_path / "published.pth"
        torch.save(content, path, **options)
        believe(path, source)
        return path

    def believe(path, source):
        if checksum := ALL_SOURCES[source].checksum:
            digest = hashlib.new(checksum.algorithm, path.read_bytes()).hexdigest()
            stated = dataclasses.replace(checksum, editions={digest[:8]: "the edition"})
            monkeypatch.setitem(weights.SOURCES, source, dataclasses.replace(ALL_SOURCES[source], checksum=stated))

    save.believe = believe
    return save


def refused(path, source, out, backbone=BACKBONE):
    with pytest.raises(InputError) as error:
        import_weights(path, source, backbone, out)
    assert str(error.value).startswith(str(path)) and "\n" not in str(error.value)
    assert not out.exists() and not list(out.parent.glob(".*"))
    return str(error.value)


def inner(content):
    """The state dict inside a made-up file."""
    return content.get("state_dict") or content.get("model") or content


def test_every_source_has_a_made_up_file_and_every_layout_is_read():
    assert {source for source, _ in LAYOUTS} == set(SOURCES)
    assert len(LAYOUTS) == sum(len(source.layouts) for source in SOURCES.values())


@every_layout
def test_every_tensor_arrives(publish, state, tmp_path, source, layout):
    out = tmp_path / "encoder.pt"
    import_weights(publish(layout(state), source), source, BACKBONE, out)
    written = torch.load(out, weights_only=True)
    assert written.keys() == state.keys()
    assert all(torch.equal(written[key], value) for key, value in state.items())
    load_encoder(out, BACKBONE)


@every_layout
def test_missing_batch_counts_are_zero(publish, state, tmp_path, source, layout):
    older = layout(without_counts(state))
    import_weights(publish(older, source), source, BACKBONE, tmp_path / "encoder.pt")
    assert load_encoder(tmp_path / "encoder.pt", BACKBONE).bn1.num_batches_tracked == 0


@every_layout
def test_one_renamed_key_is_named(publish, state, tmp_path, source, layout):
    out = tmp_path / "encoder.pt"
    for key in ("layer3.0.conv2.weight", "conv1.weight", "bn1.running_var"):
        renamed = {f"{name}x" if name == key else name: value for name, value in state.items()}
        assert key in refused(publish(layout(renamed), source), source, out)


@every_layout
def test_an_unknown_tensor_is_named(publish, state, tmp_path, source, layout):
    out = tmp_path / "encoder.pt"
    for name in ("module.attention.weight", "layer9.weight"):
        content = layout(state)
        inner(content)[name] = torch.zeros(1)
        assert name in refused(publish(content, source), source, out)
    assert "layer9.weight" in refused(publish(layout({**state, "layer9.weight": torch.zeros(1)}), source), source, out)


@every_layout
def test_a_value_that_is_not_finite_is_refused(publish, state, tmp_path, source, layout):
    for value in (float("nan"), float("inf")):
        broken = {**state, "layer2.0.conv1.weight": state["layer2.0.conv1.weight"].clone()}
        broken["layer2.0.conv1.weight"][0, 0, 0, 0] = value
        message = refused(publish(layout(broken), source), source, tmp_path / "encoder.pt")
        assert "layer2.0.conv1.weight has NaN or infinite values" in message


@every_layout
def test_a_file_of_another_source_is_refused(publish, state, tmp_path, source, layout):
    """Even where no checksum tells them apart."""
    out = tmp_path / "encoder.pt"
    for other in {*SOURCES, "hap"} - {source}:
        refused(publish(layout(state), other), other, out)


@every_layout
def test_a_truncated_file_is_named(publish, state, tmp_path, source, layout):
    out = tmp_path / "encoder.pt"
    path = publish(layout(state), source)
    path.write_bytes(path.read_bytes()[:-1000])
    if SOURCES[source].checksum:
        assert "cut off or another file" in refused(path, source, out)
        publish.believe(path, source)
    assert "not a readable checkpoint" in refused(path, source, out)


@every_layout
def test_objects_that_are_not_tensors_are_never_loaded(publish, state, tmp_path, source, layout):
    content = {**layout(state), "args": argparse.Namespace(lr=0.03)}
    for zipped in (True, False):  # the published files of 2020 aren't zip archives
        path = publish(content, source, _use_new_zipfile_serialization=zipped)
        message = refused(path, source, tmp_path / "encoder.pt")
        assert "holds the Python object argparse.Namespace, whose loading could run code" in message
        assert "save its tensors alone" in message


def test_files_of_old_torch_versions_are_read(publish, state, tmp_path):
    path = publish(moco(state), "moco_v2", _use_new_zipfile_serialization=False)
    import_weights(path, "moco_v2", BACKBONE, tmp_path / "encoder.pt")
    assert torch.equal(load_encoder(tmp_path / "encoder.pt", BACKBONE).conv1.weight, state["conv1.weight"])
    path.write_bytes(path.read_bytes()[:-1000])
    publish.believe(path, "moco_v2")
    (tmp_path / "encoder.pt").unlink()
    assert "not a readable checkpoint" in refused(path, "moco_v2", tmp_path / "encoder.pt")


@pytest.mark.parametrize(
    "content", [[1, 2], {}, {"state_dict": None}, {"state_dict": {}, "model": {}}, {1: torch.ones(1)}]
)
def test_other_contents_are_refused(publish, content, tmp_path):
    for source in SOURCES:
        assert "another file" in refused(publish(content, source), source, tmp_path / "encoder.pt")


def test_entries_that_are_no_tensors_are_named(publish, state, tmp_path):
    content = {"state_dict": {**state, "bn1.weight": [1.0, 2.0]}}
    assert "bn1.weight is not a tensor" in refused(publish(content, "densecl"), "densecl", tmp_path / "encoder.pt")


@pytest.mark.parametrize("made_with", ["resnet18", "resnet101"])
def test_another_architecture_is_refused(publish, tmp_path, made_with):
    """The shapes of the first layers fit; what differs is named, and that the backbone is the question."""
    with torch.device("meta"):
        shapes = getattr(torchvision.models, made_with)().state_dict()
    # One stored number each: the file is small, the shapes are those of the architecture.
    tensors = {key: torch.zeros((), dtype=value.dtype).expand(value.shape) for key, value in shapes.items()}
    path = publish(tensors, "supervised")
    assert path.stat().st_size < 1e6
    message = refused(path, "supervised", tmp_path / "encoder.pt", "resnet50")
    assert "is not the resnet50 of" in message and "name the backbone" in message
    assert ("layer3.10" in message) == (made_with == "resnet101")


def test_shapes_of_another_width_are_refused(publish, state, tmp_path):
    path = publish(supervised(state), "supervised")
    assert "has another shape of" in refused(path, "supervised", tmp_path / "encoder.pt", backbone="resnet18")


def test_stated_checksums_are_compared(state, tmp_path):
    path, out = tmp_path / "published.pth", tmp_path / "encoder.pt"
    torch.save(supervised(state), path)
    for source, stated in (("supervised", "0676ba61 or 19c8e357"), ("moco_v2", "59fd9945"), ("pixpro", "919c6612")):
        assert stated in refused(path, source, out)
    assert "no such file" in refused(tmp_path / "none.pth", "densecl", out)


def test_names_that_carry_a_checksum_carry_the_one_that_is_compared():
    for source in ALL_SOURCES.values():
        for beginning, edition in source.checksum.editions.items() if source.checksum else ():
            assert len(beginning) >= 6 and int(beginning, 16) >= 0
            assert beginning in edition or source.checksum.stated != "in its name"
        assert source.checksum is None or source.file in source.checksum.editions.values()


def test_command_line_writes_an_encoder_and_says_what_vouches_for_it(tmp_path):
    """The whole of it at full size, as the documentation has it: no --backbone."""
    path, out = tmp_path / "densecl_r50_imagenet_200ep.pth", tmp_path / "encoder.pt"
    state = state_of("resnet50")
    torch.save(densecl_released(without_counts(state)), path)
    result = command(path, "densecl", out)
    assert (result.returncode, result.stderr) == (0, "")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    first, *others = result.stdout.splitlines()
    assert first == f"{out}: the resnet50 of {path}; no checksum of it is published; its sha256 is {digest}"
    assert "  used as they are: conv*.weight, " in result.stdout and "layer*.*.conv*.weight (48)" in result.stdout
    assert others[-1].startswith("  two pictures give features from ")
    provenance = json.loads((tmp_path / "provenance.json").read_text())
    assert provenance["inputs"] == {path.name: digest}
    assert provenance["recipe"] == {"method": "published", "source": "densecl", "backbone": "resnet50"}
    assert torch.equal(load_encoder(out, "resnet50").layer4[2].conv3.weight, state["layer4.2.conv3.weight"])


def test_what_vouches_for_a_checked_file_names_its_edition(publish, state, tmp_path):
    proof = import_weights(publish(pixpro(state), "pixpro"), "pixpro", BACKBONE, tmp_path / "encoder.pt")
    assert proof.startswith("it is the edition: its md5 begins with ") and "stated in its name\n" in proof
    assert list(json.loads((tmp_path / "provenance.json").read_text())["inputs"]) == ["the edition"]


def test_command_line_ends_in_one_line(tmp_path):
    (tmp_path / "x.pth").write_bytes(b"no checkpoint")
    result = command(tmp_path / "x.pth", "moco_v2", tmp_path / "encoder.pt")
    assert result.returncode == 2 and result.stderr.startswith("error: ") and result.stderr.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["x.pth"]


def command(file: Path, source: str, out: Path) -> subprocess.CompletedProcess:
    words = [sys.executable, "-m", "liftedcl.weights", "import", str(file), "--source", source, "--out", str(out)]
    return subprocess.run(words, cwd=REPOSITORY, capture_output=True, text=True)
