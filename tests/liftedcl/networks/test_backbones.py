"""Every backbone keeps its promises, and its encoder.pt loads where it was made and where nobody knows this project."""

import copy
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
from liftedcl.networks.timm_backbone import timm_backbone
from liftedcl.recipes.backbone_names import STAGES, VIT, family_of, timm_models
from liftedcl.recipes.encoder_recipe import EncoderRecipe

PROMISED = {
    "resnet50": (2048, 32),
    "resnet18": (512, 32),
    "resnet18_narrow": (128, 8),
    "hrnet_w32": (2048, 32),
    "vit_s16": (384, 16),
    "vit_narrow": (128, 8),
}
"""Channels and strides; of each kind of backbone but the two large ViTs, which are small ones in all but their size."""

CONVOLUTIONAL = [name for name in PROMISED if not name.startswith("vit")]
OUTSIDE = {
    "resnet50": (torchvision.models.resnet50, lambda: timm.create_model("resnet50"), "fc"),
    "resnet18": (torchvision.models.resnet18, lambda: timm.create_model("resnet18"), "fc"),
    "hrnet_w32": (lambda: timm.create_model("hrnet_w32"), "classifier"),
    "vit_s16": (
        lambda: timm.create_model("vit_small_patch16_224", dynamic_img_size=True, global_pool="avg", fc_norm=False),
        "head",
    ),
}
"""Who else builds the architecture, and what they call the classifier that the file lacks."""


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """One of each, with batch statistics that aren't those of a fresh network, in a file each."""
    folder = tmp_path_factory.mktemp("encoders")
    backbones = {}
    for name in PROMISED:
        torch.manual_seed(1)
        backbones[name] = build_backbone(name)
        backbones[name].train()(torch.randn(2, 3, 64, 64))
        save_encoder(backbones[name], folder / f"{name}.pt")
    return folder, backbones


@pytest.mark.parametrize("name", PROMISED)
@torch.no_grad()
def test_the_map_has_the_promised_size(saved, name):
    backbone = saved[1][name].eval()
    channels, stride = PROMISED[name]
    assert (backbone.out_channels, backbone.stride) == backbone.map_stages[-1] == (channels, stride)
    for height, width in ((64, 64), (32, 96)):
        images = torch.randn(2, 3, height, width)
        assert backbone(images).shape == (2, channels, height // stride, width // stride)
        maps = backbone.maps(images)
        assert torch.equal(maps[-1], backbone(images))
        assert [(x.shape[1], height // x.shape[2], width // x.shape[3]) for x in maps] == [
            (stage.channels, stage.stride, stage.stride) for stage in backbone.map_stages
        ]


@pytest.mark.parametrize("name", PROMISED)
def test_saved_and_loaded_it_is_bitwise_the_same(saved, tmp_path, name):
    folder, backbones = saved
    path = folder / f"{name}.pt"
    loaded = load_encoder(path, name)
    state = backbones[name].state_dict()
    assert loaded.state_dict().keys() == state.keys()
    assert all(torch.equal(value, state[key]) for key, value in loaded.state_dict().items())
    save_encoder(loaded, tmp_path / "again.pt")
    assert (tmp_path / "again.pt").read_bytes() == path.read_bytes()


@pytest.mark.parametrize("name", PROMISED)
def test_the_seed_decides_the_initialisation(name):
    states = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        states.append(next(p for p in build_backbone(name).parameters() if p.ndim == 4))  # the first convolution
    assert torch.equal(states[0], states[1]) and not torch.equal(states[0], states[2])


@pytest.mark.parametrize("name", CONVOLUTIONAL)
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


@pytest.mark.parametrize("name", PROMISED)
def test_an_encoder_of_another_backbone_is_refused(saved, name):
    for other in set(PROMISED) - {name}:
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


@pytest.fixture
def run_as_printed(tmp_path, monkeypatch, capsys):
    """Runs ``code`` of a page with ``encoder`` as encoder.pt; returns its names, and the keys that it prints."""

    def run(code, encoder):
        monkeypatch.chdir(tmp_path)
        (tmp_path / "encoder.pt").symlink_to(encoder)
        names = {}
        exec(code, names)
        return names, re.findall(r"missing_keys=\[(.*?)\], unexpected_keys=\[(.*?)\]", capsys.readouterr().out)

    return run


@pytest.mark.parametrize(
    ("block", "name", "printed"),
    [(0, "resnet50", 2 * [("'fc.weight', 'fc.bias'", "")]), (1, "vit_s16", [("'head.weight', 'head.bias'", "")])],
)
def test_the_lines_of_the_readme_run(saved, block, name, printed, run_as_printed):
    text = (REPOSITORY / "README.md").read_text()
    section = text.split("## Encoders leave without this project")[1].split("\n## ")[0]
    blocks = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    assert len(blocks) == 2 and all(len([line for line in code.splitlines() if line]) <= 4 for code in blocks)
    assert run_as_printed(blocks[block], saved[0] / f"{name}.pt")[1] == printed


def test_a_vit_computes_the_same_in_torchvision_under_its_names(saved, run_as_printed):
    """The lines of docs/transformers.md, with torchvision's smallest ViT in place of its B/16."""
    folder, backbones = saved
    small = "torchvision.models.VisionTransformer(64, 8, num_layers=6, num_heads=4, hidden_dim=128, mlp_dim=512)"
    (code,) = re.findall(r"```python\n(.*?)```", (REPOSITORY / "docs" / "transformers.md").read_text(), re.DOTALL)
    names, printed = run_as_printed(code.replace("torchvision.models.vit_b_16()", small), folder / "vit_narrow.pt")
    assert printed == [("'heads.head.weight', 'heads.head.bias'", "")]
    images, model, backbone = torch.randn(2, 3, 64, 64), names["model"].eval(), backbones["vit_narrow"].eval()
    model.heads = nn.Identity()
    with torch.no_grad():
        tokens = backbone.norm(backbone.blocks(backbone._pos_embed(backbone.patch_embed(images))))
        torch.testing.assert_close(model(images), tokens[:, 0], atol=1e-5, rtol=1e-4)


USUAL = {
    "vit_s16": 21.7, "vit_b16": 85.8, "vit_l16": 303.3, "vitpose_h16": 630.9, "croco_v2_l16": 303.1,
    "sapiens_2b": 2133.9,
}  # fmt: skip
"""Millions of parameters."""


@pytest.mark.parametrize(("name", "millions"), USUAL.items())
def test_vits_have_their_usual_size(name, millions):
    with torch.device("meta"):
        backbone = build_backbone(name)
    assert round(sum(parameter.numel() for parameter in backbone.parameters()) / 1e6, 1) == millions
    assert backbone.map_stages == ((backbone.out_channels, 16),)


@pytest.mark.parametrize("name", ["vit_narrow", "hrnet_w32"])
@torch.no_grad()
def test_pictures_between_multiples_of_the_stride_are_stretched_to_the_next(saved, name):
    """A picture that is smooth gives nearly the same map whether it is stretched here or was larger from the start."""
    backbone, stride = saved[1][name].eval(), PROMISED[name][1]
    rows, columns = torch.linspace(-1, 1, 2 * stride - 3), torch.linspace(-1, 1, 4 * stride)
    images = (rows[:, None] * columns).expand(1, 3, -1, -1).contiguous()
    stretched = torch.nn.functional.interpolate(images, size=(2 * stride, 4 * stride), mode="bilinear")
    assert torch.equal(backbone(images), backbone(stretched))
    assert backbone(images).shape[2:] == (2, 4)


@torch.no_grad()
def test_class_and_register_tokens_are_left_out_of_the_map():
    """The cell of a patch is its token: changing what other tokens end as changes no cell."""
    torch.manual_seed(0)
    backbone = timm_backbone(
        "vit_small_patch14_reg4_dinov2", img_size=28, patch_size=4, embed_dim=32, depth=1, num_heads=2
    ).eval()
    images = torch.randn(1, 3, 12, 20)
    tokens = backbone.forward_features(images)
    assert tokens.shape == (1, 1 + 4 + 3 * 5, 32)
    cells = backbone(images)
    for row in range(3):
        for column in range(5):
            assert torch.equal(cells[0, :, row, column], tokens[0, 5 + 5 * row + column])


@torch.no_grad()
def test_position_embeddings_are_resized_along_each_axis_by_itself(saved):
    """As they are on the grid they were made for; one of columns alone stays so on a rectangle of other sides."""
    backbone = copy.deepcopy(saved[1]["vit_narrow"]).eval()
    learnt = torch.randn(1, 65, 128)
    backbone.pos_embed.copy_(learnt)

    def places(height, width):
        """What is added to the patches of an image of this size, and to the class token."""
        patches = torch.zeros(1, height // 8, width // 8, 128)
        tokens = backbone._pos_embed(patches) - torch.cat([backbone.cls_token, patches.flatten(1, 2)], dim=1)
        return tokens[:, 1:].view(height // 8, width // 8, 128), tokens[:, 0]

    square, _ = places(64, 64)
    torch.testing.assert_close(square, learnt[0, 1:].view(8, 8, 128), atol=1e-6, rtol=1e-6)
    for size in ((64, 64), (96, 40)):
        torch.testing.assert_close(places(*size)[1], learnt[:, 0], atol=1e-6, rtol=1e-6)
    columns = torch.linspace(-1, 1, 8)[None, :, None].expand(8, 8, 128)
    backbone.pos_embed[0, 1:] = columns.reshape(64, 128)
    wide, _ = places(40, 96)
    torch.testing.assert_close(wide, wide[:1].expand(5, -1, -1), atol=1e-5, rtol=0)
    assert (wide[0, 1:, 0] > wide[0, :-1, 0]).all()
    reference = torch.nn.functional.interpolate(
        columns.permute(2, 0, 1)[None], size=(5, 12), mode="bicubic", antialias=True
    )
    torch.testing.assert_close(wide, reference[0].permute(1, 2, 0), atol=1e-5, rtol=1e-5)


FAMILIES = {
    "timm/vit_tiny_patch16_224": (192, [16]),
    "timm/swin_tiny_patch4_window7_224": (768, [4, 8, 16, 32]),
    "timm/convnext_atto": (320, [4, 8, 16, 32]),
    "timm/hrnet_w18_small": (2048, [2, 4, 8, 16, 32]),
    "timm/efficientnet_b0": (1280, [2, 4, 8, 16, 32]),
}


@pytest.mark.parametrize("name", FAMILIES)
def test_a_model_of_timm_is_a_backbone_and_leaves_under_timms_names(name, tmp_path):
    torch.manual_seed(0)
    backbone = build_backbone(name)
    channels, strides = FAMILIES[name]
    assert [stage.stride for stage in backbone.map_stages] == strides and backbone.out_channels == channels
    assert family_of(name) == (VIT if len(strides) == 1 else STAGES)
    images = torch.randn(2, 3, 96, 64)
    maps = backbone.maps(images)
    assert [x.shape for x in maps] == [(2, stage.channels, 96 // stage.stride, 64 // stage.stride)
                                       for stage in backbone.map_stages]  # fmt: skip
    sum(x.square().mean() for x in maps).backward()
    assert all(parameter.grad is not None for parameter in backbone.parameters())
    save_encoder(backbone, tmp_path / "encoder.pt")
    model = timm.create_model(name.removeprefix("timm/"), num_classes=0, global_pool="")
    model.load_state_dict(torch.load(tmp_path / "encoder.pt", weights_only=True))  # strictly
    with torch.no_grad():
        again = load_encoder(tmp_path / "encoder.pt", name).eval()(images)
        assert torch.equal(again, backbone.eval()(images))


def test_the_family_of_a_name_is_that_of_the_model_that_is_built():
    for name, build in BACKBONES.items():
        model = build.args[0] if build.args else ""
        assert family_of(name) == (family_of(f"timm/{model}") if isinstance(model, str) else STAGES), name
    assert family_of("vit_b16@256x128") == family_of("timm/deit_tiny_patch16_224") == VIT


def test_every_model_of_timm_is_known_without_importing_it():
    assert set(timm_models()) == set(timm.list_models())


def test_an_unknown_backbone_is_answered_with_the_nearest():
    for name, near in (
        ("timm/convnext_tiy", "did you mean timm/convnext_tiny,"),
        ("vit_small_patch16_224", "did you mean timm/vit_small_patch16_224,"),
        ("resnet51", "did you mean resnet50,"),
    ):
        with pytest.raises(InputError, match=f"backbone: '{name}' is none of resnet50.*{near}"):
            EncoderRecipe(method="random", backbone=name)
        with pytest.raises(InputError, match=near):
            build_backbone(name)


def test_a_model_that_takes_one_size_only_is_refused_in_one_line():
    with pytest.raises(InputError, match=r"^timm/mixer_s32_224: gives no map of pictures of any size \(.*224.*\)"):
        build_backbone("timm/mixer_s32_224")


def test_pictures_that_are_too_large_for_its_relative_positions_end_in_one_line():
    backbone = build_backbone("timm/mvitv2_tiny").eval()
    with (
        torch.no_grad(),
        pytest.raises(InputError, match=r"^backbone: timm's MultiScaleVit takes no pictures of 64x512"),
    ):
        backbone(torch.zeros(1, 3, 64, 512))


def test_a_resnet_does_without_timm():
    code = (
        "import sys; from liftedcl.networks.encoder import build_backbone as b; b('resnet18'); "
        "assert 'timm' not in sys.modules"
    )
    result = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


def test_an_unknown_source_of_weights_is_named():
    with pytest.raises(InputError, match=r"source: 'moco' is not one of supervised, moco_v2"):
        EncoderRecipe(method="published", backbone="resnet50", source="moco")
