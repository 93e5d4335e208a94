"""Weights under the names of other codes compute what those codes compute: generated state dicts, and a reference."""

import json
import math

import pytest
import timm
import torch
from tiny.reference_vit import TIMM, as_map, blocks_on, patches_of, sin_cos, state_of

from liftedcl.networks import timm_backbone
from liftedcl.networks.encoder import build_backbone, load_encoder
from liftedcl.recipes.weight_namings import NAMINGS
from liftedcl.weights import import_weights

C, DEPTH, HEADS = 32, 2, 2
SMALL = {"embed_dim": C, "depth": DEPTH, "num_heads": HEADS}

MMPRETRAIN = {
    "patch": "patch_embed.projection", "norm1": "layers.{}.ln1", "qkv": "layers.{}.attn.qkv",
    "proj": "layers.{}.attn.proj",
    "norm2": "layers.{}.ln2", "fc1": "layers.{}.ffn.layers.0.0", "fc2": "layers.{}.ffn.layers.1", "last": "ln1",
}  # fmt: skip
HUGGING_FACE = {
    "patch": "embeddings.patch_embeddings.projection", "norm1": "encoder.layer.{}.layernorm_before",
    **{part: "encoder.layer.{}.attention.attention." + part for part in ("query", "key", "value")},
    "proj": "encoder.layer.{}.attention.output.dense", "norm2": "encoder.layer.{}.layernorm_after",
    "fc1": "encoder.layer.{}.intermediate.dense", "fc2": "encoder.layer.{}.output.dense", "last": "layernorm",
}  # fmt: skip
CROCO = {layer: name.replace("blocks.", "enc_blocks.") for layer, name in TIMM.items()} | {"last": "enc_norm"}
VITPOSE = TIMM | {"last": "last_norm"}


@pytest.fixture
def small(monkeypatch):
    """Lets timm build small ones: the names and whatever else is in a backbone's definition stay."""
    build = timm_backbone.timm_backbone

    def shrink(**sizes):
        monkeypatch.setattr(timm_backbone, "timm_backbone", lambda name, **changes: build(name, **{**changes, **sizes}))

    shrink(**SMALL)
    return shrink


def random(*shape, seed=9):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def under(prefix, state):
    return {prefix + key: value for key, value in state.items()}


def imported(content, backbone, folder, source="own"):
    """The backbone with the weights of a file, and the import's report."""
    torch.save(content, folder / "file.pth")
    report = import_weights(folder / "file.pth", source, backbone, folder / "encoder.pt")
    return load_encoder(folder / "encoder.pt", backbone).eval(), report


def plain(state, names, images, *, tokens=("cls_token",), rows="pos_embed", **options):
    """Tokens in front of the patches, then one table added to all of them."""
    x, grid = patches_of(state, names, images)
    x = torch.cat([*(state[name].expand(len(x), -1, -1) for name in tokens), x], dim=1) + state[rows]
    return as_map(blocks_on(state, names, x, heads=HEADS, depth=DEPTH, **options), grid)


def with_tokens(names, *, patch=16, cells=196, extra=1, table=None):
    """A state dict with a class token and a table for it and the patches."""
    state = state_of(names, channels=C, depth=DEPTH, patch=patch)
    rows = random(1, cells + extra, C) if table is None else torch.cat([torch.zeros(extra, C), table])[None]
    return state | {"cls_token": random(1, 1, C, seed=8), "pos_embed": rows}


@torch.no_grad()
def test_timm_deit_and_mae(small, tmp_path):
    state = with_tokens(TIMM, table=sin_cos(14, 14, C))
    decoder = {
        "mask_token": random(1, 1, 8),
        "decoder_pos_embed": random(1, 197, 8),
        "decoder_blocks.0.norm1.bias": random(8),
    }
    images = random(2, 3, 224, 224)
    expected = plain(state, TIMM, images)
    for content in (state | under("head.", {"weight": random(5, C)}), {"model": state}, {"model": state | decoder}):
        backbone, report = imported(content, "vit_b16", tmp_path)
        assert torch.equal(backbone(images), expected)
        assert "fixed sin-cos, columns in the first half of the channels, on 14 x 14 cells, as they are" in report
    assert "left out: mask_token, decoder_pos_embed, decoder_blocks.*.norm*.bias" in report


@torch.no_grad()
def test_distilled_deit(small, tmp_path):
    state = with_tokens(TIMM, extra=2) | {"dist_token": random(1, 1, C, seed=7)}
    images = random(2, 3, 224, 224)
    heads = under("head.", {"weight": random(5, C)}) | under("head_dist.", {"weight": random(5, C)})
    backbone, report = imported({"model": state | heads}, "deit_b16_distilled", tmp_path)
    assert torch.equal(backbone(images), plain(state, TIMM, images, tokens=("cls_token", "dist_token")))
    assert "renamed: dist_token -> reg_token" in report and "196 of them" not in report
    assert "14 x 14 of them and 2 other tokens in a picture of 224 x 224 px" in report


@torch.no_grad()
def test_hap_on_its_own_grid_and_on_another(small, tmp_path):
    """Rows and columns of pictures of 256 x 128 are found from the sines and cosines themselves."""
    state = with_tokens(TIMM, table=sin_cos(16, 8, C))
    content = {"epoch": 399, "arch": "pose_mae_vit_base_patch16", "model": state, "scaler": {"scale": 1.0}}
    images = random(2, 3, 256, 128)
    backbone, report = imported(content, "vit_b16@256x128", tmp_path)
    assert torch.equal(backbone(images), plain(state, TIMM, images))
    assert "on 16 x 8 cells, as they are" in report
    _, report = imported(content, "vit_b16", tmp_path)
    assert "on 16 x 8 cells, resized to 14 x 14 (bicubic" in report and "@256x128 behind the backbone's name" in report


@torch.no_grad()
@pytest.mark.parametrize("registers", [False, True])
def test_dinov2(small, tmp_path, registers):
    small(**SMALL, img_size=56)
    state = with_tokens(TIMM, patch=14, cells=16) | {"mask_token": torch.zeros(1, C)}
    scales = {f"blocks.{i}.ls{which}.gamma": random(C, seed=i + which) for i in range(DEPTH) for which in (1, 2)}
    state |= scales | ({"register_tokens": random(1, 4, C, seed=6)} if registers else {})
    images = random(2, 3, 56, 56)
    backbone, report = imported(state, f"timm/vit_base_patch14_{'reg4_' if registers else ''}dinov2", tmp_path)
    x, grid = patches_of(state, TIMM, images)
    x = torch.cat([state["cls_token"].expand(2, -1, -1), x], dim=1) + state["pos_embed"]
    if registers:  # between the class token and the patches, without a position
        x = torch.cat([x[:, :1], state["register_tokens"].expand(2, -1, -1), x[:, 1:]], dim=1)
    expected = as_map(blocks_on(state, TIMM, x, heads=HEADS, depth=DEPTH, scales="blocks.{}.ls{}.gamma"), grid)
    assert torch.equal(backbone(images), expected)
    assert f"{5 if registers else 1} other tokens" in report and "learnt, on 4 x 4 cells, as they are" in report


@torch.no_grad()
def test_vitpose(small, tmp_path):
    """Patches begin 2 px outside of the picture, and row 0 is added to each: if it is 0, as of sin-cos, bit for bit."""
    state = state_of(VITPOSE, channels=C, depth=DEPTH, patch=16)
    images = random(2, 3, 256, 192)
    for row, near in ((torch.zeros(1, 1, C), False), (random(1, 1, C), True)):
        state["pos_embed"] = torch.cat([row, random(1, 192, C, seed=4)], dim=1)
        content = {"state_dict": under("backbone.", state) | {"keypoint_head.final_layer.bias": random(17)}}
        backbone, report = imported(content, "vitpose_b16", tmp_path, source="vitpose")
        x, grid = patches_of(state, VITPOSE, images, padding=2)
        assert tuple(grid) == (16, 12)
        x = x + state["pos_embed"][:, 1:] + state["pos_embed"][:, :1]
        expected = as_map(blocks_on(state, VITPOSE, x, heads=HEADS, depth=DEPTH), grid)
        # (a + b) + c here, a + (b + c) there
        assert (
            torch.allclose(backbone(images), expected, atol=1e-4) if near else torch.equal(backbone(images), expected)
        )
    assert "patches of 16 px, padded by 2; 16 x 12 of them and 0 other tokens" in report
    assert "found under 'state_dict' with the prefix 'backbone.'" in report and "keypoint_head" in report


@torch.no_grad()
def test_croco_v1(small, tmp_path):
    table = sin_cos(14, 14, C)
    state = state_of(CROCO, channels=C, depth=DEPTH, patch=16) | {"enc_pos_embed": table}
    decoder = (
        "dec_pos_embed",
        "decoder_embed.weight",
        "mask_token",
        "dec_blocks.0.norm_y.bias",
        "prediction_head.bias",
    )
    images = random(2, 3, 224, 224)
    backbone, report = imported({"model": state | dict.fromkeys(decoder, random(3))}, "croco_b16", tmp_path, "croco")
    assert torch.equal(backbone(images), plain(state, CROCO, images, tokens=(), rows="enc_pos_embed"))
    assert "names of CroCo" in report and "fixed sin-cos" in report


def rotated_in_quarters(grid, base):
    """RoPE of CroCo: half the channels of a head for rows, half for columns; channel k turns with k + a quarter."""

    def rotate(x):
        height, width = grid
        quarter = x.shape[-1] // 4
        out = torch.empty_like(x)
        for cell in range(height * width):
            for half, position in enumerate(divmod(cell, width)):
                for k in range(quarter):
                    angle = position / base ** (k / quarter)
                    a, b = 2 * quarter * half + k, 2 * quarter * half + quarter + k
                    one, other = x[..., cell, a], x[..., cell, b]
                    out[..., cell, a] = one * math.cos(angle) - other * math.sin(angle)
                    out[..., cell, b] = other * math.cos(angle) + one * math.sin(angle)
        return out

    return rotate


@torch.no_grad()
def test_croco_v2(small, tmp_path):
    """Near, and not bit for bit, since timm has a head's channels in another order and sums in it."""
    state = state_of(CROCO, channels=C, depth=DEPTH, patch=16)
    images = random(2, 3, 64, 48)
    kwargs = {"croco_kwargs": {"pos_embed": "RoPE100", "enc_embed_dim": 768}}
    backbone, report = imported({"model": state, **kwargs}, "croco_v2_b16", tmp_path, source="croco_v2")
    x, grid = patches_of(state, CROCO, images)
    turned = rotated_in_quarters(grid, base=100)
    expected = as_map(blocks_on(state, CROCO, x, heads=HEADS, depth=DEPTH, rotate=turned), grid)
    assert torch.allclose(backbone(images), expected, atol=1e-4)
    unturned = as_map(blocks_on(state, CROCO, x, heads=HEADS, depth=DEPTH), grid)
    assert (expected - unturned).abs().max() > 0.1
    assert "rotary (RoPE)" in report


@torch.no_grad()
def test_mmpretrain_and_sapiens(small, tmp_path):
    state = with_tokens(MMPRETRAIN, table=sin_cos(14, 14, C, first="rows"))
    images = random(2, 3, 224, 224)
    expected = plain(state, MMPRETRAIN, images)
    neck = {"neck.mask_token": random(1, 1, 8), "neck.decoder_embed.weight": random(8, C)}
    for content in (state, {"state_dict": under("backbone.", state) | neck, "meta": {"epoch": 1600}}):
        backbone, report = imported(content, "vit_l16", tmp_path)
        assert torch.equal(backbone(images), expected)
        assert "rows in the first half of the channels" in report
    assert "layers.*.ffn.layers.*.*.weight -> blocks.*.mlp.fc*.weight" in report
    small(**SMALL, img_size=64)
    backbone, _ = imported(with_tokens(MMPRETRAIN, cells=16), "sapiens_0.3b", tmp_path)
    assert backbone.patch_embed.grid_size == (4, 4)


@torch.no_grad()
@pytest.mark.parametrize("prefix", ["", "vit.", "vit_mae.vit."])
def test_hugging_face(small, tmp_path, prefix):
    """Near: query, key and value are one product in timm, and the epsilon of its layer norms is another."""
    names = HUGGING_FACE
    state = state_of(names, channels=C, depth=DEPTH, patch=16)
    state |= {"embeddings.cls_token": random(1, 1, C, seed=8), "embeddings.position_embeddings": random(1, 197, C)}
    images = random(2, 3, 224, 224)
    expected = plain(
        state, names, images, tokens=("embeddings.cls_token",), rows="embeddings.position_embeddings", eps=1e-12
    )
    beside = under(prefix, {"pooler.dense.bias": random(C)}) | (
        {"decoder.mask_token": random(1, 1, 8)} if prefix else {}
    )
    backbone, report = imported(under(prefix, state) | beside, "vit_b16", tmp_path)
    assert torch.allclose(backbone(images), expected, atol=1e-4)
    assert "epsilon 1e-06 (its own code has 1e-12)" in report


def turned_by_dinov3(grid):
    """Of DINOv3: cell centres from -1 to 1 along each side, periods up to 100, patches alone."""

    def rotate(x):
        height, width = grid
        quarter = x.shape[-1] // 4
        centres = torch.tensor(
            [[2 * (y + 0.5) / height - 1, 2 * (x + 0.5) / width - 1] for y in range(height) for x in range(width)]
        )
        periods = torch.tensor([100 ** (k / quarter) for k in range(quarter)])
        angles = (2 * math.pi * centres[:, :, None] / periods).flatten(1).repeat(1, 2)
        first, patches = x[:, :, : -height * width], x[:, :, -height * width :]
        one, other = patches.chunk(2, dim=-1)
        return torch.cat([first, patches * angles.cos() + torch.cat([-other, one], -1) * angles.sin()], dim=2)

    return rotate


def dinov3_state(*, biased=True):
    state = state_of(TIMM, channels=C, depth=DEPTH, patch=16)
    state |= {
        "cls_token": random(1, 1, C, seed=8),
        "storage_tokens": random(1, 4, C, seed=7),
        "mask_token": torch.zeros(1, C),
    }
    state |= {f"blocks.{i}.ls{which}.gamma": random(C, seed=i + which) for i in range(DEPTH) for which in (1, 2)}
    mask = torch.cat([torch.ones(C), torch.zeros(C), torch.ones(C)])
    state |= {f"blocks.{i}.attn.qkv.bias_mask": mask for i in range(DEPTH)}
    if not biased:
        state |= {f"blocks.{i}.attn.qkv.bias": torch.zeros(3 * C) for i in range(DEPTH)}
    return state | {"rope_embed.periods": torch.ones(C // HEADS // 4)}


@torch.no_grad()
@pytest.mark.parametrize("biased", [False, True])
def test_dinov3(small, tmp_path, biased):
    """Biases of keys are masked; near, since timm computes sines in another order of operations."""
    state = dinov3_state(biased=biased)
    images = random(2, 3, 64, 48)
    name = f"vit_base_patch16_dinov3{'_qkvb' if biased else ''}"
    backbone, report = imported(state, f"timm/{name}", tmp_path)
    x, grid = patches_of(state, TIMM, images)
    x = torch.cat([state["cls_token"].expand(2, -1, -1), state["storage_tokens"].expand(2, -1, -1), x], dim=1)
    options = {"heads": HEADS, "depth": DEPTH, "scales": "blocks.{}.ls{}.gamma", "eps": 1e-5}
    expected = as_map(blocks_on(state, TIMM, x, rotate=turned_by_dinov3(grid), **options), grid)
    assert torch.allclose(backbone(images), expected, atol=1e-4)
    assert "layer norms with epsilon 1e-05" in report and "5 other tokens" in report


def own_conversion(state, backbone):
    """timm's own conversion of the state dict, for the same model."""
    return timm.models.eva.checkpoint_filter_fn(dict(state), backbone)


def test_dinov3_and_sapiens2_as_timm_itself_converts_them(small, tmp_path):
    backbone, _ = imported(dinov3_state(), "timm/vit_base_patch16_dinov3_qkvb", tmp_path)
    same(own_conversion(dinov3_state(), backbone), backbone)
    small(**SMALL, num_kv_heads=(2, 1), img_size=64)
    made = build_backbone("timm/vit_base_patch16_sapiens2").state_dict()
    theirs = (
        ("reg_token", "storage_tokens"), ("patch_embed.proj.", "patch_embed.projection."),
        ("gamma_1", "attn.gamma.weight"), ("q_proj", "wq"), ("k_proj", "wk"), ("v_proj", "wv"),
        ("mlp.fc1", "ffn.w12"), ("mlp.fc2", "ffn.w3"), (".norm1", ".ln1"), (".norm2", ".ln2"), ("norm.", "ln1."),
    )  # fmt: skip
    state = {"mask_token": random(1, C), "rope_embed.periods": torch.ones(4, dtype=torch.bfloat16)}
    for seed, (key, value) in enumerate(made.items()):
        for new, old in theirs:
            key = key if "_norm" in key and "norm" in new else key.replace(new, old)
        state[key] = random(*value.shape, seed=seed)
    assert {"ln1.weight", "blocks.1.attn.wk.bias", "blocks.0.attn.q_norm.weight", "storage_tokens"} <= state.keys()
    backbone, report = imported(state, "timm/vit_base_patch16_sapiens2", tmp_path)
    same(own_conversion(state, backbone), backbone)
    assert "names of Sapiens2" in report


def same(expected, backbone):
    state = backbone.state_dict()
    assert state.keys() == expected.keys()
    assert all(torch.equal(value, expected[key]) for key, value in state.items())


def test_every_key_is_listed_beside_the_encoder(small, tmp_path):
    state = under("backbone.", with_tokens(MMPRETRAIN)) | {"neck.bias": random(3)}
    imported({"state_dict": state}, "vit_b16", tmp_path)
    account = json.loads((tmp_path / "import.json").read_text())
    assert account["names"] == NAMINGS["mmpretrain"].code and account["dropped"] == ["neck.bias"]
    named = {f"backbone.{name}" for name in [*account["used"], *account["renamed"]]}
    assert named | {"neck.bias"} == state.keys()
    assert account["renamed"]["layers.1.ffn.layers.0.0.bias"] == "blocks.1.mlp.fc1.bias"


def test_every_naming_has_its_own_test():
    """The name of each is in the name of a test above, or has tests of its own."""
    tests = " ".join(name for name in globals() if name.startswith("test_")).replace("hugging_face", "huggingface")
    assert {name for name in NAMINGS if name.split("_")[0] not in tests} == {"solider", "backbone"}
