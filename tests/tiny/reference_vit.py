"""A plain vision transformer in torch alone, that reads a state dict under the names of any code."""

import torch
from torch.nn import functional as F

TIMM = {
    "patch": "patch_embed.proj", "norm1": "blocks.{}.norm1", "qkv": "blocks.{}.attn.qkv", "proj": "blocks.{}.attn.proj",
    "norm2": "blocks.{}.norm2", "fc1": "blocks.{}.mlp.fc1", "fc2": "blocks.{}.mlp.fc2", "last": "norm",
}  # fmt: skip
"""Where timm keeps the weight and bias of each layer."""

ATTENTION = ("qkv", "query", "key", "value")  # large, so that tokens differ in what they attend to


def state_of(names, *, channels, depth, patch, seed=0):
    """Random weights of every layer, under ``names``."""
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape, scale=0.2, shift=0.0):
        return shift + scale * torch.randn(*shape, generator=generator)

    state = {f"{names['patch']}.weight": draw(channels, 3, patch, patch), f"{names['patch']}.bias": draw(channels)}
    sizes = {
        "qkv": (3, 1),
        "query": (1, 1),
        "key": (1, 1),
        "value": (1, 1),
        "proj": (1, 1),
        "fc1": (4, 1),
        "fc2": (1, 4),
    }
    for block in range(depth):
        for layer, name in names.items():
            if "{}" not in name:
                continue
            name = name.format(block)
            if layer.startswith("norm"):
                state |= {f"{name}.weight": draw(channels, shift=1.0), f"{name}.bias": draw(channels)}
            else:
                outputs, inputs = (channels * factor for factor in sizes[layer])
                state |= {
                    f"{name}.weight": draw(outputs, inputs, scale=0.3 if layer in ATTENTION else 0.1),
                    f"{name}.bias": draw(outputs),
                }
    return state | {f"{names['last']}.weight": draw(channels, shift=1.0), f"{names['last']}.bias": draw(channels)}


def patches_of(state, names, images, *, padding=0):
    """(B, N, C) and the grid."""
    weight, bias = state[f"{names['patch']}.weight"], state[f"{names['patch']}.bias"]
    maps = F.conv2d(images, weight, bias, stride=weight.shape[-1], padding=padding)
    return maps.flatten(2).transpose(1, 2), maps.shape[2:]


def blocks_on(state, names, tokens, *, heads, depth, eps=1e-6, scales=None, rotate=None):
    """Pre-norm blocks and the last norm. ``scales`` are formats of layer scales, ``rotate`` turns (B, heads, N, c)."""

    def norm(layer, x, block=""):
        name = names[layer].format(block)
        return F.layer_norm(x, x.shape[-1:], state[f"{name}.weight"], state[f"{name}.bias"], eps)

    def linear(layer, x, block):
        name = names[layer].format(block)
        bias = state[f"{name}.bias"] * state.get(f"{name}.bias_mask", 1)
        return F.linear(x, state[f"{name}.weight"], bias)

    def scale(x, which, block):
        return x if scales is None else x * state[scales.format(block, which)]

    for block in range(depth):
        x = norm("norm1", tokens, block)
        if "qkv" in names:
            parts = linear("qkv", x, block).unflatten(-1, (3, heads, -1)).permute(2, 0, 3, 1, 4)
        else:
            parts = [
                linear(part, x, block).unflatten(-1, (heads, -1)).transpose(1, 2) for part in ("query", "key", "value")
            ]
        query, key, value = parts
        if rotate is not None:
            query, key = rotate(query), rotate(key)
        mixed = F.scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2)
        tokens = tokens + scale(linear("proj", mixed, block), 1, block)
        x = F.gelu(linear("fc1", norm("norm2", tokens, block), block))
        tokens = tokens + scale(linear("fc2", x, block), 2, block)
    return norm("last", tokens)


def as_map(tokens, grid):
    """The last tokens, those of patches, as (B, C, h, w)."""
    return tokens[:, -grid[0] * grid[1] :].transpose(1, 2).unflatten(2, tuple(grid))


def sin_cos(rows, columns, channels, *, first="columns"):
    """(rows * columns, channels): fixed embeddings, cell by cell, written down rather than vectorised."""
    table = torch.zeros(rows * columns, channels)
    quarter = channels // 4
    for cell in range(rows * columns):
        y, x = divmod(cell, columns)
        for half, position in enumerate((x, y) if first == "columns" else (y, x)):
            angles = torch.tensor([position / 10000 ** (k / quarter) for k in range(quarter)], dtype=torch.float64)
            start = half * channels // 2
            table[cell, start : start + quarter] = angles.sin()
            table[cell, start + quarter : start + 2 * quarter] = angles.cos()
    return table
