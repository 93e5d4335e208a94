"""What a renamed state dict needs to become timm's: each function changes the state dict of one `Naming`.

Each takes ``(state, backbone, file)``, with the names already timm's as far as a name can be, and raises `InputError`.
"""

import re
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from liftedcl.identity.errors import InputError

SEMANTIC_WEIGHT = 0.8
"""Of SOLIDER, for pose and parsing: how much of the features is about what a part is, and not about whose it is."""


def join_qkv(state: dict[str, Tensor], backbone: nn.Module, file: Path) -> None:
    """Hugging Face keeps query, key and value apart; timm has their rows below each other in one layer."""
    for key in [key for key in state if ".attn.query." in key]:
        names = [key.replace(".query.", f".{part}.") for part in ("query", "key", "value")]
        if lacking := [name for name in names if name not in state]:
            raise InputError(f"{file}: has {key} without {lacking[0]}; get it again")
        state[key.replace(".query.", ".qkv.")] = torch.cat([state.pop(name) for name in names])


def add_first_row(state: dict[str, Tensor], backbone: nn.Module, file: Path) -> None:
    """ViTPose has no class token, and adds the row that was the class token's to the embedding of every patch."""
    rows = _required(state, "pos_embed", file)
    state["pos_embed"] = rows[:, 1:] + rows[:, :1]


def positions_of_croco(state: dict[str, Tensor], backbone: nn.Module, file: Path) -> None:
    """Version 1 has a table without a batch dimension, version 2 rotates queries and keys.

    It rotates channel k of a quarter of a head with channel k of the next quarter. timm rotates neighbours, so channels
    of queries and keys change places, alike in both: no product of a query and a key changes by that. timm's blocks
    with rotation have layer scales, which are 1 here.
    """
    if "pos_embed" in state:
        state["pos_embed"] = state["pos_embed"][None]
        return
    heads = backbone.blocks[0].attn.num_heads
    for key in [key for key in state if ".attn.qkv." in key]:
        qkv = state[key]  # rows: query, key, value; of each, heads; of each, y and x; of each, two halves
        if qkv.shape[0] % (3 * heads * 4):
            raise InputError(
                f"{file}: {key} has {qkv.shape[0]} rows, which {heads} heads can't share; name its backbone"
            )
        parts = qkv.unflatten(0, (3, heads, 2, 2, -1))
        state[key] = torch.cat([parts[:2].transpose(3, 4).flatten(0, 4), parts[2].flatten(0, 3)])
    state.update({key: torch.ones_like(value) for key, value in backbone.state_dict().items() if ".gamma_" in key})


def biases_of_dinov3(state: dict[str, Tensor], backbone: nn.Module, file: Path) -> None:
    """The biases of keys are masked, so timm has those of queries and values alone, or none where all are zero."""
    for key in [key for key in state if key.endswith(".attn.qkv.bias")]:
        block = key.removesuffix("qkv.bias")
        mask = state.pop(f"{block}qkv.bias_mask", None)
        bias = state.pop(key)
        bias = bias if mask is None else bias * mask
        query, keys, value = bias.chunk(3)
        if f"{block}q_bias" in backbone.state_dict():
            if keys.any():
                raise InputError(f"{file}: {key} is not zero for keys, which timm's backbone can't have")
            state[f"{block}q_bias"], state[f"{block}v_bias"] = query, value
        elif bias.any():
            raise InputError(f"{file}: {key} is not zero; name timm's model with _qkvb in its name")


def semantics_of_solider(state: dict[str, Tensor], backbone: nn.Module, file: Path) -> None:
    """mmpretrain's Swin to timm's, with SOLIDER's semantic layers, for `SEMANTIC_WEIGHT`, folded into the merging.

    After it merges patches, SOLIDER computes x * softplus(W_w s) + W_b s for s = (weight, 1 - weight). Before that are
    a layer norm and a linear layer R without bias: the factor scales the rows of R, and the summand is R applied to a
    shift of the norm's bias, since R, with half as many outputs as inputs, reaches every summand.
    mmpretrain gathers four neighbours channel by channel in rows (y, x), timm neighbour by neighbour in columns (x, y).
    """
    semantics = torch.tensor([SEMANTIC_WEIGHT, 1 - SEMANTIC_WEIGHT], dtype=torch.float64)
    for key in [key for key in state if key.endswith("relative_position_index")]:
        del state[key]  # which timm computes
    for stage in (1, 2, 3):
        names = [f"layers.{stage}.downsample.{name}" for name in ("norm.weight", "norm.bias", "reduction.weight")]
        scale, shift, linear = (_neighbours(_required(state, name, file).double()) for name in names)
        factor, summand = (
            _required(state, f"semantic_embed_{kind}.{stage - 1}.weight", file).double() @ semantics
            + _required(state, f"semantic_embed_{kind}.{stage - 1}.bias", file)
            for kind in "wb"
        )
        linear = F.softplus(factor)[:, None] * linear
        shift = shift + torch.linalg.pinv(linear) @ summand
        state.update({name: value.float() for name, value in zip(names, (scale, shift, linear), strict=True)})
    for key in [key for key in state if re.match(r"semantic_embed_[wb]\.", key)]:
        del state[key]


def _neighbours(tensor: Tensor) -> Tensor:
    """The last dimension from mmpretrain's order of merged patches to timm's."""
    return tensor.unflatten(-1, (-1, 2, 2)).movedim(-3, -1).transpose(-3, -2).flatten(-3)


def _required(state: dict[str, Tensor], key: str, file: Path) -> Tensor:
    if key not in state:
        raise InputError(f"{file}: lacks {key} of its own code's names; it is cut off or another file, get it again")
    return state[key]


CONVERSIONS: dict[str, Callable[[dict[str, Tensor], nn.Module, Path], None]] = {
    function.__name__: function
    for function in (join_qkv, add_first_row, positions_of_croco, biases_of_dinov3, semantics_of_solider)
}
"""By the names in liftedcl/recipes/weight_namings.py."""
