"""Position embeddings of a file: of which kind they are, on which grid, and how they come to be on the backbone's."""

import math
from pathlib import Path

import torch
from torch import Tensor, nn

from liftedcl.identity.errors import InputError
from liftedcl.networks.sine_positions import sine_positions

_ROUNDING = 2e-3  # of half precision, near 1


def fit_positions(state: dict[str, Tensor], backbone: nn.Module, file: Path) -> str:
    """Bring ``state["pos_embed"]``, (1, extra tokens + rows * columns, C), onto the backbone's grid, bicubically.

    Rows of extra tokens (class, registers) stay as they are. If the backbone adds the class token's row beforehand, so
    does this. Returns what was found and done, in words.

    Raises:
        InputError: the grid can't be told.
    """
    own = getattr(backbone, "pos_embed", None)
    if own is None or "pos_embed" not in state:
        rotary = getattr(backbone, "rope", None) is not None
        return f"position embeddings: {'rotary (RoPE), which the backbone computes' if rotary else 'none added'}"
    target = tuple(getattr(backbone.patch_embed, "grid_size", ()))
    extra = own.shape[1] - math.prod(target)
    if own.ndim != 3 or not 0 <= extra <= getattr(backbone, "num_prefix_tokens", 0):
        return "position embeddings: in a form of the backbone's own, as they are"
    table = state["pos_embed"].float()
    if table.ndim != 3 or table.shape[0] != 1 or table.shape[1] <= extra + 1:
        raise InputError(f"{file}: its position embeddings have the shape {tuple(table.shape)}; it is another file")
    if (
        getattr(backbone, "no_embed_class", False)
        and "cls_token" in state
        and table.shape[1] != own.shape[1]
        and _is_square(table.shape[1] - 1)
    ):
        state["cls_token"] = state["cls_token"] + table[:, :1]
        table = table[:, 1:]
    kind, grid = _kind(table[0, extra:])
    count = table.shape[1] - extra
    if grid is None and count == math.prod(target):
        grid = target
    if grid is None and _is_square(count):
        grid = (math.isqrt(count), math.isqrt(count))
    if grid is None:
        raise InputError(
            f"{file}: has {count} position embeddings, which is no square grid; name the backbone with the size of the "
            "pictures that it was trained on, in px, such as vit_b16@256x192"
        )
    found = f"position embeddings: {kind}, on {grid[0]} x {grid[1]} cells"
    if grid == target:
        state["pos_embed"] = table
        return f"{found}, as they are"
    from timm.layers import resample_abs_pos_embed  # here, because importing timm takes half a second

    state["pos_embed"] = resample_abs_pos_embed(table, target, old_size=grid, num_prefix_tokens=extra)
    stride = backbone.patch_embed.patch_size
    native = f"@{grid[0] * stride[0]}x{grid[1] * stride[1]}"
    return (
        f"{found}, resized to {target[0]} x {target[1]} (bicubic, antialiased; rows of {extra} other tokens as they "
        f"are); {native} behind the backbone's name keeps them"
    )


def _is_square(count: int) -> bool:
    return math.isqrt(count) ** 2 == count


def _kind(table: Tensor) -> tuple[str, tuple[int, int] | None]:
    """Of (N, C) embeddings: whether they are learnt or fixed, and if fixed, in which order and on which grid."""
    count, channels = table.shape
    if channels % 4 == 0 and torch.allclose(table[:1], sine_positions(1, 1, channels), atol=_ROUNDING, rtol=0):
        for rows in (rows for rows in range(1, count + 1) if count % rows == 0):
            columns_first = sine_positions(rows, count // rows, channels)
            rows_first = columns_first.roll(channels // 2, dims=1)
            for order, waves in (("columns", columns_first), ("rows", rows_first)):
                if torch.allclose(table, waves, atol=_ROUNDING, rtol=0):
                    said = f"fixed sin-cos, {order} in the first half of the channels"
                    return said, (rows, count // rows)
    return "learnt", None
