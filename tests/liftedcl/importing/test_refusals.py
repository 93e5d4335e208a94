"""What an import refuses, and what it says about position embeddings that are on another grid."""

import re

import pytest
import torch
from repository import REPOSITORY
from tiny.reference_vit import sin_cos
from torch.nn import functional as F

from liftedcl.identity.errors import InputError
from liftedcl.importing.positions import fit_positions
from liftedcl.importing.trial import try_out
from liftedcl.networks.encoder import build_backbone, load_encoder
from liftedcl.recipes.backbone_names import NAMES, require_backbone
from liftedcl.recipes.weight_namings import NAMINGS
from liftedcl.recipes.weight_sources import SOURCES
from liftedcl.weights import import_weights

C = 128  # of vit_narrow


@pytest.fixture(scope="module")
def state():
    """Of a vit_narrow: a class token, and 8 x 8 patches of 8 px."""
    torch.manual_seed(0)
    return build_backbone("vit_narrow").state_dict()


def refused(content, folder, backbone="vit_narrow", source="own"):
    torch.save(content, folder / "file.pth")
    with pytest.raises(InputError) as error:
        import_weights(folder / "file.pth", source, backbone, folder / "refused" / "encoder.pt")
    assert str(error.value).startswith(str(folder / "file.pth")) and "\n" not in str(error.value)
    assert not (folder / "refused").exists()
    return str(error.value)


def test_the_first_keys_that_do_not_fit_are_shown(state, tmp_path):
    more = {f"adapter.{i}.weight": torch.zeros(1) for i in range(9)}
    message = refused(state | more, tmp_path)
    assert "has the unknown adapter.0.weight, adapter.1.weight, adapter.2.weight and 6 more" in message
    experts = {"blocks.0.mlp.experts.0.weight": torch.zeros(1)}  # ViTPose++
    assert "has the unknown blocks.0.mlp.experts.0.weight;" in refused(state | experts, tmp_path)
    assert "it lacks norm.bias, norm.weight" in refused(
        {key: value for key, value in state.items() if not key.startswith("norm.")}, tmp_path
    )


def test_a_backbone_that_computes_something_else_is_refused_with_those_that_do(state, tmp_path, monkeypatch):
    vitpose = {key.replace("norm.", "last_norm.") if key.startswith("norm.") else key: state[key] for key in state}
    message = refused(vitpose, tmp_path)
    assert (
        "has the names of ViTPose, which a vit_narrow doesn't compute; name one of vitpose_s16, vitpose_b16" in message
    )
    dinov3 = state | {"rope_embed.periods": torch.ones(8)}
    assert "timm/vit_small_patch16_dinov3" in refused(dinov3, tmp_path)
    monkeypatch.setattr("liftedcl.weights.timm_models", lambda: frozenset({"resnet50"}))
    assert "timm 1." in (message := refused(dinov3, tmp_path)) and "has none for it; install a newer one" in message
    assert "holds no enc_blocks.0.norm1.weight (CroCo)" in refused(state, tmp_path, source="croco")


def test_tensors_of_other_shapes_than_their_names_promise_end_in_one_line(state, tmp_path):
    cut = {"last_norm.weight": torch.ones(C), "pos_embed": torch.zeros(3)}
    assert "isn't what ViTPose writes (" in refused(cut, tmp_path, "vitpose_s16")
    assert "its position embeddings have the shape (1, 1)" in refused(state | {"pos_embed": torch.ones(1, 1)}, tmp_path)


@pytest.mark.parametrize(
    ("key", "value", "named"),
    [
        ("patch_embed.proj.weight", 0.0, "features don't depend on the picture"),
        ("norm.weight", 0.0, "features don't depend on the picture"),
        ("blocks.0.mlp.fc1.weight", 1e38, "features of a picture are NaN or infinite"),
    ],
)
def test_features_that_say_nothing_are_refused(state, tmp_path, key, value, named):
    """Each value is finite, and every key fits."""
    assert named in refused(state | {key: torch.full_like(state[key], value)}, tmp_path)


def test_a_trial_leaves_the_backbone_as_it_was(state):
    backbone = build_backbone("resnet18_narrow").train()
    before = {key: value.clone() for key, value in backbone.state_dict().items()}
    assert try_out(backbone, "file").startswith("two pictures give features from ")
    assert backbone.training and all(torch.equal(value, before[key]) for key, value in backbone.state_dict().items())


def test_positions_are_resized_per_axis_and_other_tokens_stay(state, tmp_path):
    """From 12 x 6 sin-cos cells and from 10 x 10 learnt ones to 8 x 8; torch's own resizing is the reference."""
    for rows, columns, table in ((12, 6, sin_cos(12, 6, C)), (10, 10, torch.randn(100, C))):
        first = torch.randn(1, C)
        torch.save(state | {"pos_embed": torch.cat([first, table])[None]}, tmp_path / "file.pth")
        report = import_weights(tmp_path / "file.pth", "own", "vit_narrow", tmp_path / "encoder.pt")
        found = load_encoder(tmp_path / "encoder.pt", "vit_narrow").pos_embed[0]
        grid = table.T.unflatten(1, (rows, columns))[None]
        expected = F.interpolate(grid, size=(8, 8), mode="bicubic", antialias=True)[0].flatten(1).T
        assert torch.equal(found[:1], first) and torch.allclose(found[1:], expected, atol=1e-6)
        assert f"on {rows} x {columns} cells, resized to 8 x 8" in report and "rows of 1 other tokens" in report


def test_a_grid_that_cannot_be_told_is_asked_for(state, tmp_path):
    rectangular = state | {"pos_embed": torch.randn(1, 1 + 48, C)}
    assert "48 position embeddings, which is no square grid; name the backbone" in refused(rectangular, tmp_path)
    torch.save(rectangular, tmp_path / "file.pth")
    report = import_weights(tmp_path / "file.pth", "own", "vit_narrow@64x48", tmp_path / "encoder.pt")
    assert "learnt, on 8 x 6 cells, as they are" in report
    kept = load_encoder(tmp_path / "encoder.pt", "vit_narrow@64x48").pos_embed
    assert torch.equal(kept, rectangular["pos_embed"])


@pytest.mark.parametrize("half", [False, True])
@pytest.mark.parametrize(("first", "rows", "columns"), [("columns", 8, 8), ("rows", 8, 8), ("columns", 16, 4)])
def test_the_order_of_sines_and_cosines_is_told(half, first, rows, columns):
    backbone = build_backbone("vit_narrow")
    table = torch.cat([torch.zeros(1, C), sin_cos(rows, columns, C, first=first)])[None]
    said = fit_positions({"pos_embed": table.half() if half else table}, backbone, "file")
    assert f"fixed sin-cos, {first} in the first half of the channels, on {rows} x {columns} cells" in said
    said = fit_positions({"pos_embed": table + 0.05 * torch.randn(table.shape)}, backbone, "file")
    assert "learnt, on 8 x 8 cells" in said


def test_a_size_behind_a_name_has_to_make_sense():
    with pytest.raises(InputError, match="resnet18@64x64: a resnet18 has no position embeddings; leave out the size"):
        build_backbone("resnet18@64x64")
    with pytest.raises(InputError, match="vit_narrow@65x64: has to be in multiples of 8 px"):
        build_backbone("vit_narrow@65x64")


def test_the_documentation_says_exactly_what_is_accepted():
    text = (REPOSITORY / "docs" / "data" / "weights.md").read_text()
    lines = text.split("## Which files are read")[1].split("\n\n")[2].splitlines()[2:]
    for line, naming in zip(lines, NAMINGS.values(), strict=True):
        _, code, mark, backbones, _ = (cell.strip() for cell in line.split("|"))
        assert code.startswith(naming.code) and (naming.mark or "the backbone's first key") == mark.strip("`")
        named = [name for name in re.findall(r"`(\S+)`", backbones) if not name.startswith("_")]
        assert all(re.fullmatch(naming.backbones, name) for name in named)
    names = set(re.findall(r"`([\w./@]+)`", text))
    for name in names:
        if name.startswith("timm/") or name.partition("@")[0] in NAMES:
            require_backbone(name, "backbone")
    assert {name for name in NAMES if not name.startswith(("resnet", "hrnet", "vit_"))} <= names
    for name, source in SOURCES.items():
        assert name in names and (source.layouts or source.file in text)
