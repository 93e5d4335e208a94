"""Importing the user's own encoder, in the ways that people save one; the rest is refused with what was found."""

import re

import pytest
import torch
from repository import REPOSITORY
from safetensors.torch import save_file

from liftedcl.identity.errors import InputError
from liftedcl.networks.encoder import build_backbone
from liftedcl.recipes.weight_sources import CONTAINERS, PREFIXES
from liftedcl.weights import import_weights

BACKBONE = "resnet18_narrow"  # the names of a ResNet, small


@pytest.fixture(scope="module")
def state():
    torch.manual_seed(0)
    return build_backbone(BACKBONE).state_dict()


def under(prefix, state, *, head="fc."):
    """A whole classifier's names below ``prefix``."""
    full = {**state, f"{head}weight": torch.zeros(10, 128), f"{head}bias": torch.zeros(10)}
    return {prefix + key: value for key, value in full.items()}


def moco(state):
    key = {key: value + 1 for key, value in under("module.encoder_k.", state).items()}
    return {**under("module.encoder_q.", state, head="fc.0."), **key, "module.queue": torch.ones(4, 8)}


SAVED = {
    "bare": (lambda state: under("", state), ""),
    "DistributedDataParallel": (lambda state: under("module.", state), "; found with the prefix 'module.'"),
    "compiled": (lambda state: under("_orig_mod.", state), "; found with the prefix '_orig_mod.'"),
    "compiled, then DDP": (lambda state: under("module._orig_mod.", state), "with the prefix 'module._orig_mod.'"),
    "DDP, then compiled": (lambda state: under("_orig_mod.module.", state), "with the prefix '_orig_mod.module.'"),
    "backbone, bare": (lambda state: under("backbone.", state), "; found with the prefix 'backbone.'"),
    "state_dict": (lambda state: {"state_dict": under("", state), "epoch": 3}, "; found under 'state_dict'"),
    "model": (lambda state: {"model": under("", state)}, "; found under 'model'"),
    "model_state_dict": (lambda state: {"model_state_dict": under("module.", state)}, "under 'model_state_dict' with"),
    "Lightning": (
        lambda state: {"state_dict": under("model.", state), "hyper_parameters": {"lr": 0.1}},
        "; found under 'state_dict' with the prefix 'model.'",
    ),
    "mmcv": (
        lambda state: {"state_dict": {**under("backbone.", state), "neck.0.weight": torch.ones(1)}},
        "'backbone.'",
    ),
    "MoCo": (lambda state: {"state_dict": moco(state)}, "under 'state_dict' with the prefix 'module.encoder_q.'"),
    "timm with an average": (
        lambda state: {
            "state_dict": under("", state),
            "state_dict_ema": under("", {k: v + 1 for k, v in state.items()}),
        },
        "; found under 'state_dict'",
    ),
    "DINO": (
        lambda state: {
            "student": under("module.backbone.", {k: v + 1 for k, v in state.items()}, head="head."),
            "teacher": under("backbone.", state, head="head."),
        },
        "; found under 'teacher' with the prefix 'backbone.'",
    ),
}


@pytest.mark.parametrize("way", SAVED)
def test_the_encoder_is_found_and_where_it_was_is_said(state, tmp_path, way):
    saved, said = SAVED[way]
    torch.save(saved(state), tmp_path / "mine.pt")
    proof = import_weights(tmp_path / "mine.pt", "own", BACKBONE, tmp_path / "encoder.pt")
    written = torch.load(tmp_path / "encoder.pt", weights_only=True)
    assert written.keys() == state.keys()
    assert all(torch.equal(written[key], value) for key, value in state.items())
    assert re.search(r"its sha256 is \w{64}(.*)", proof)[1] == said if said == "" else said in proof


@pytest.mark.parametrize("backbone", ["vit_narrow", "timm/convnext_atto"])
def test_an_encoder_of_any_backbone_is_found(tmp_path, backbone):
    state = build_backbone(backbone).state_dict()
    torch.save({"model": under("module.backbone.", state, head="head.")}, tmp_path / "mine.pt")
    proof = import_weights(tmp_path / "mine.pt", "own", backbone, tmp_path / "encoder.pt")
    written = torch.load(tmp_path / "encoder.pt", weights_only=True)
    assert written.keys() == state.keys() and all(torch.equal(written[key], state[key]) for key in state)
    assert "under 'model' with the prefix 'module.backbone.'" in proof
    with pytest.raises(InputError, match="did you mean vit_narrow"):
        import_weights(tmp_path / "mine.pt", "own", "vit_narow", tmp_path / "encoder.pt")


def test_safetensors_and_half_precision_are_read(state, tmp_path):
    half = {key: value.half() if value.is_floating_point() else value for key, value in state.items()}
    for name, saved in (("mine.safetensors", state), ("half.safetensors", half)):
        save_file(under("backbone.", saved), tmp_path / name)
        import_weights(tmp_path / name, "own", BACKBONE, tmp_path / "encoder.pt")
        written = torch.load(tmp_path / "encoder.pt", weights_only=True)
        assert all(torch.equal(written[key], value.to(written[key].dtype)) for key, value in saved.items())
    (tmp_path / "cut.safetensors").write_bytes((tmp_path / "mine.safetensors").read_bytes()[:-100])
    assert "cut.safetensors: not a readable checkpoint" in refused(tmp_path / "cut.safetensors", tmp_path)


def refused(path, folder):
    with pytest.raises(InputError) as error:
        import_weights(path, "own", BACKBONE, folder / "refused" / "encoder.pt")
    assert str(error.value).startswith(str(path)) and "\n" not in str(error.value)
    assert not (folder / "refused").exists()
    return str(error.value)


REFUSED = {
    "no names": (
        lambda state: {f"{n}.weight": v for n, v in enumerate(state.values())},
        "its first keys are 0.weight, 1.",
    ),
    "another container": (lambda state: {"weights": state, "epoch": 1}, "its first keys are weights, epoch; save"),
    "another name": (
        lambda state: {"model": under("vision.", state)},
        "model, model: vision.conv1.weight, model: vision",
    ),
    "two encoders": (
        lambda state: {**under("backbone.", state), **under("encoder.", state)},
        "holds several encoders, under 'backbone.' and 'encoder.'",
    ),
    "a list": (lambda state: list(state.values()), "it is a list"),
    "parameters alone": (
        lambda state: {k: v for k, v in state.items() if "running" not in k},
        "it lacks bn1.running_mean",
    ),
    "not finite once copied": (
        lambda state: {**state, "conv1.weight": torch.full_like(state["conv1.weight"], 1e300, dtype=torch.float64)},
        "conv1.weight has NaN or infinite values",
    ),
    "whole numbers": (
        lambda state: {**state, "conv1.weight": state["conv1.weight"].long()},
        "it has another kind of numbers in conv1.weight",
    ),
    "no values": (
        lambda state: {**state, "conv1.weight": state["conv1.weight"].to("meta")},
        "it has another kind of numbers in conv1.weight",
    ),
    "sparse": (
        lambda state: {**state, "bn1.weight": state["bn1.weight"].to_sparse()},
        "it has another kind of numbers in bn1.weight",
    ),
}


@pytest.mark.parametrize("way", REFUSED)
def test_what_does_not_fit_is_shown(state, tmp_path, way):
    saved, named = REFUSED[way]
    torch.save(saved(state), tmp_path / "mine.pt")
    assert named in refused(tmp_path / "mine.pt", tmp_path)


def test_a_script_is_named(tmp_path):
    path = tmp_path / "mine.pt"
    module = torch.jit.trace(torch.nn.Linear(2, 2), torch.zeros(1, 2))
    module.save(str(path))
    assert "a TorchScript archive, which is code; save the model's state_dict()" in refused(path, tmp_path)


def test_the_documentation_lists_what_is_recognised():
    text = (REPOSITORY / "docs" / "extending.md").read_text()
    section = text[text.index("## A weights file") : text.index("## A benchmark")]
    names = {*CONTAINERS, *(f"{prefix}." for prefix in PREFIXES)}
    assert {name for name in names if f"`{name}`" not in section} == set()
