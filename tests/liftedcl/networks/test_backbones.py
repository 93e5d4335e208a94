"""Every backbone keeps its promises, and its encoder.pt loads where it was made and where nobody knows this project."""

import re
import subprocess
import sys

import pytest
import timm
import torch
import torchvision
from repository import REPOSITORY
from torch import nn

from liftedcl.identity.errors import InputError
from liftedcl.networks.encoder import BACKBONES, build_backbone, load_encoder, save_encoder
from liftedcl.networks.grouped_norm import GroupedBatchNorm2d, group_batch_norms
from liftedcl.recipes.encoder_recipe import SMALLEST_INPUT, EncoderRecipe
from workflow.params import read_params

PROMISED = {"resnet50": (2048, 32), "resnet18": (512, 32), "resnet18_narrow": (128, 8), "hrnet_w32": (2048, 32)}
OUTSIDE = {
    "resnet50": (torchvision.models.resnet50, lambda: timm.create_model("resnet50"), "fc"),
    "resnet18": (torchvision.models.resnet18, lambda: timm.create_model("resnet18"), "fc"),
    "hrnet_w32": (lambda: timm.create_model("hrnet_w32"), "classifier"),
}
"""Who else builds the architecture, and what they call the classifier that the file lacks."""


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """One of each, with batch statistics that aren't those of a fresh network, in a file each."""
    folder = tmp_path_factory.mktemp("encoders")
    backbones = {}
    for name in BACKBONES:
        torch.manual_seed(1)
        backbones[name] = build_backbone(name)
        backbones[name].train()(torch.randn(2, 3, 64, 64))
        save_encoder(backbones[name], folder / f"{name}.pt")
    return folder, backbones


@pytest.mark.parametrize("name", BACKBONES)
@torch.no_grad()
def test_the_map_has_the_promised_size(saved, name):
    backbone = saved[1][name].eval()
    channels, stride = PROMISED[name]
    assert (backbone.out_channels, backbone.stride) == (channels, stride)
    for height, width in ((64, 64), (32, 96)):
        assert backbone(torch.randn(2, 3, height, width)).shape == (2, channels, height // stride, width // stride)


@pytest.mark.parametrize("name", BACKBONES)
def test_saved_and_loaded_it_is_bitwise_the_same(saved, tmp_path, name):
    folder, backbones = saved
    path = folder / f"{name}.pt"
    loaded = load_encoder(path, name)
    state = backbones[name].state_dict()
    assert loaded.state_dict().keys() == state.keys()
    assert all(torch.equal(value, state[key]) for key, value in loaded.state_dict().items())
    save_encoder(loaded, tmp_path / "again.pt")
    assert (tmp_path / "again.pt").read_bytes() == path.read_bytes()


@pytest.mark.parametrize("name", BACKBONES)
def test_the_seed_decides_the_initialisation(name):
    states = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        states.append(build_backbone(name).state_dict()["conv1.weight"])
    assert torch.equal(states[0], states[1]) and not torch.equal(states[0], states[2])


@pytest.mark.parametrize("name", BACKBONES)
def test_every_batch_norm_is_grouped_and_the_state_keeps_its_names(name):
    backbone = build_backbone(name)
    names = list(backbone.state_dict())
    group_batch_norms(backbone, 2, batch_size=4)
    norms = [module for module in backbone.modules() if isinstance(module, nn.modules.batchnorm._BatchNorm)]
    assert len(norms) >= 20
    assert all(isinstance(norm, GroupedBatchNorm2d) for norm in norms)
    assert list(backbone.state_dict()) == names
    images = torch.randn(4, 3, 64, 64)
    with torch.no_grad():
        before = backbone.train()(images)
        images[0] += torch.randn(3, 64, 64)
        changed = (backbone.train()(images) - before).abs().amax(dim=(1, 2, 3)) > 1e-3
    assert changed[0] and changed.sum() == 2  # the image's own group, and no image of the other


@pytest.mark.parametrize("name", BACKBONES)
def test_an_encoder_of_another_backbone_is_refused(saved, name):
    for other in set(BACKBONES) - {name}:
        with pytest.raises(InputError, match=rf"{other}\.pt: is not a {name}"):
            load_encoder(saved[0] / f"{other}.pt", name)


@pytest.mark.parametrize(
    ("name", "which"), [(name, i) for name, entry in OUTSIDE.items() for i in range(len(entry) - 1)]
)
@torch.no_grad()
def test_it_loads_without_this_project_and_computes_the_same(saved, name, which):
    folder, backbones = saved
    *builders, classifier = OUTSIDE[name]
    model = builders[which]()
    missing, unexpected = model.load_state_dict(torch.load(folder / f"{name}.pt", weights_only=True), strict=False)
    assert (sorted(missing), unexpected) == ([f"{classifier}.bias", f"{classifier}.weight"], [])
    setattr(model, classifier, nn.Identity())
    images = torch.randn(2, 3, 64, 64)
    pooled = backbones[name].eval()(images).mean(dim=(2, 3))
    assert pooled.std() > 0
    assert torch.allclose(model.eval()(images), pooled, rtol=1e-4, atol=1e-5)


def test_the_lines_of_the_readme_run(saved, tmp_path):
    text = (REPOSITORY / "README.md").read_text()
    section = text.split("## Encoders leave without this project")[1].split("\n## ")[0]
    (code,) = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    assert len([line for line in code.splitlines() if line.strip()]) <= 4
    (tmp_path / "encoder.pt").symlink_to(saved[0] / "resnet50.pt")
    result = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    found = re.findall(r"missing_keys=\[(.*?)\], unexpected_keys=\[(.*?)\]", result.stdout)
    assert found == [("'fc.weight', 'fc.bias'", "")] * 2


def test_sizes_that_hrnet_cannot_take_are_named(saved):
    with pytest.raises(InputError, match=r"input size 48x64: hrnet_w32 takes multiples of 32"):
        saved[1]["hrnet_w32"](torch.zeros(1, 3, 64, 48))
    assert PROMISED["hrnet_w32"][1] <= SMALLEST_INPUT


def test_view_sizes_that_hrnet_cannot_take_are_named_before_any_job():
    def rows(size):
        defaults = {"backbone": "hrnet_w32", "views": {"size": size}}
        return read_params(REPOSITORY / "params.yaml", {"profile": "demo", "encoders": {"defaults": defaults}}).encoders

    assert {row.backbone for row in rows(96).values()} == {"hrnet_w32"}
    with pytest.raises(InputError, match=r"views\.size: 48 is not a multiple of HRNet's 32"):
        rows(48)


def test_only_hrnet_imports_timm():
    code = (
        "import sys; from liftedcl.networks.encoder import build_backbone as b; b('resnet18'); "
        "assert 'timm' not in sys.modules"
    )
    result = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


def test_an_unknown_source_of_weights_is_named():
    with pytest.raises(InputError, match=r"source: 'moco' is not one of supervised, moco_v2"):
        EncoderRecipe(method="published", backbone="resnet50", source="moco")
