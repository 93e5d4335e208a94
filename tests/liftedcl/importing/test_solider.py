"""SOLIDER's Swin: another order of merged patches, and semantic layers that timm lacks, folded into what it has."""

import math

import pytest
import torch
from torch.nn import functional as F

from liftedcl.importing.conversions import SEMANTIC_WEIGHT
from liftedcl.networks import timm_backbone
from liftedcl.networks.encoder import load_encoder
from liftedcl.weights import import_weights

C, DEPTHS, HEADS, WINDOW = 8, (2, 2, 2, 2), (1, 2, 2, 4), 7


@pytest.fixture
def small(monkeypatch):
    build, sizes = timm_backbone.timm_backbone, {"embed_dim": C, "depths": DEPTHS, "num_heads": HEADS}
    monkeypatch.setattr(timm_backbone, "timm_backbone", lambda name, **changes: build(name, **{**changes, **sizes}))


def state_of_solider():
    generator = torch.Generator().manual_seed(0)

    def draw(*shape):
        return 0.3 * torch.randn(*shape, generator=generator)

    def layer(name, outputs, *inputs, bias=True):
        return {f"{name}.weight": draw(outputs, *inputs)} | ({f"{name}.bias": draw(outputs)} if bias else {})

    state = layer("patch_embed.projection", C, 3, 4, 4) | layer("patch_embed.norm", C)
    for stage, (depth, heads) in enumerate(zip(DEPTHS, HEADS, strict=True)):
        width = C * 2**stage
        for block in range(depth):
            name = f"stages.{stage}.blocks.{block}"
            state |= layer(f"{name}.norm1", width) | layer(f"{name}.norm2", width)
            state |= layer(f"{name}.attn.w_msa.qkv", 3 * width, width) | layer(f"{name}.attn.w_msa.proj", width, width)
            state |= {f"{name}.attn.w_msa.relative_position_bias_table": 5 * draw((2 * WINDOW - 1) ** 2, heads)}
            state |= {f"{name}.attn.w_msa.relative_position_index": torch.zeros(WINDOW**2, WINDOW**2, dtype=torch.long)}
            state |= layer(f"{name}.ffn.layers.0.0", 4 * width, width) | layer(f"{name}.ffn.layers.1", width, 4 * width)
        if stage < 3:
            state |= layer(f"stages.{stage}.downsample.norm", 4 * width)
            state |= layer(f"stages.{stage}.downsample.reduction", 2 * width, 4 * width, bias=False)
        state |= layer(f"norm{stage}", width)
        below = min(2 * width, 8 * C)
        state |= layer(f"semantic_embed_w.{stage}", below, 2) | layer(f"semantic_embed_b.{stage}", below, 2)
    return state


def linear(state, name, x):
    return F.linear(x, state[f"{name}.weight"], state.get(f"{name}.bias"))


def norm(state, name, x):
    return F.layer_norm(x, x.shape[-1:], state[f"{name}.weight"], state[f"{name}.bias"])


def attention(state, name, x, heads, shift):
    """Of (H, W, C): a cell attends to those of its window; windows are shifted and don't reach around the border."""
    height, width, channels = x.shape
    assert height % WINDOW == width % WINDOW == 0
    query, key, value = linear(state, f"{name}.qkv", x).flatten(0, 1).unflatten(-1, (3, heads, -1)).unbind(1)
    groups = {}
    for i in range(height * width):
        y, x_ = ((at - shift) % length for at, length in zip(divmod(i, width), (height, width), strict=True))
        around = (y >= height - shift, x_ >= width - shift)
        groups.setdefault((y // WINDOW, x_ // WINDOW, *around), []).append((i, y % WINDOW, x_ % WINDOW))
    table = state[f"{name}.relative_position_bias_table"]
    out = torch.zeros(height * width, heads, channels // heads)
    for group in groups.values():
        cells, y, x_ = torch.tensor(group).T
        index = (y[:, None] - y + WINDOW - 1) * (2 * WINDOW - 1) + x_[:, None] - x_ + WINDOW - 1
        scores = torch.einsum("ihc,jhc->ijh", query[cells], key[cells]) / math.sqrt(channels // heads) + table[index]
        out[cells] = torch.einsum("ijh,jhc->ihc", scores.softmax(1), value[cells])
    return linear(state, f"{name}.proj", out.flatten(1).unflatten(0, (height, width)))


def features(state, image):
    """(3, H, W) -> (H / 32, W / 32, 8 C), as SOLIDER's own code computes them for pose."""
    semantics = torch.tensor([SEMANTIC_WEIGHT, 1 - SEMANTIC_WEIGHT])
    weight, bias = state["patch_embed.projection.weight"], state["patch_embed.projection.bias"]
    x = norm(state, "patch_embed.norm", F.conv2d(image, weight, bias, stride=4).permute(1, 2, 0))
    for stage, depth in enumerate(DEPTHS):
        for block in range(depth):
            name = f"stages.{stage}.blocks.{block}"
            shift = WINDOW // 2 if block % 2 else 0
            x = x + attention(state, f"{name}.attn.w_msa", norm(state, f"{name}.norm1", x), HEADS[stage], shift)
            y = F.gelu(linear(state, f"{name}.ffn.layers.0.0", norm(state, f"{name}.norm2", x)))
            x = x + linear(state, f"{name}.ffn.layers.1", y)
        if stage < 3:
            height, width = x.shape[:2]
            merged = F.unfold(x.permute(2, 0, 1), 2, stride=2).T.unflatten(0, (height // 2, width // 2))
            merged = norm(state, f"stages.{stage}.downsample.norm", merged)
            x = linear(state, f"stages.{stage}.downsample.reduction", merged)
            x = x * F.softplus(linear(state, f"semantic_embed_w.{stage}", semantics))
            x = x + linear(state, f"semantic_embed_b.{stage}", semantics)
    return norm(state, "norm3", x)


@torch.no_grad()
def test_solider_computes_what_its_own_code_does(small, tmp_path):
    """Near, since the semantic layers are folded. The last map is one window, which is shifted nevertheless."""
    state = state_of_solider()
    teacher = {f"backbone.{key}": value for key, value in state.items()} | {"head.mlp.0.bias": torch.zeros(3)}
    torch.save({"teacher": teacher, "epoch": 100}, tmp_path / "solider.pth")
    report = import_weights(tmp_path / "solider.pth", "own", "solider_t", tmp_path / "encoder.pt")
    image = torch.randn(3, 224, 224, generator=torch.Generator().manual_seed(1))
    found = load_encoder(tmp_path / "encoder.pt", "solider_t").eval()(image[None])[0].permute(1, 2, 0)
    assert torch.allclose(found, features(state, image), atol=1e-3)
    without = {key: torch.zeros_like(value) if "semantic_embed_b" in key else value for key, value in state.items()}
    assert (features(without, image) - found).abs().max() > 0.1
    assert (
        "names of SOLIDER" in report
        and "timm pads after the shift" in report
        and "left out: backbone.norm*.weight (3)" in report
    )
