"""The decoder that completes masked patches (MAE, He et al. 2022), with a second picture's help or without (CroCo).

CroCo is Weinzaepfel et al. 2022; its decoder attends to the second picture's tokens, which stay as they are.
"""

import torch
from timm.layers import Mlp
from timm.models.vision_transformer import Attention
from torch import Tensor, nn
from torch.nn import functional as F

from liftedcl.networks.sine_positions import sine_positions
from liftedcl.networks.visible_patches import begin_with_glorot
from liftedcl.recipes.completion_recipe import Masking

_EPS = 1e-6  # of every norm, as in the published codes


class CrossAttention(nn.Module):
    """Attention of some tokens to others, with linear layers for queries, keys, values and the result."""

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value, self.proj = (nn.Linear(width, width) for _ in range(4))

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Queries of x (B, N, D), keys and values of y (B, M, D) -> (B, N, D)."""
        queries, keys, values = self._split(self.query(x)), self._split(self.key(y)), self._split(self.value(y))
        attended = F.scaled_dot_product_attention(queries, keys, values)
        return self.proj(attended.transpose(1, 2).flatten(2))

    def weights(self, x: Tensor, y: Tensor) -> Tensor:
        """How much each token of x attends to each of y: (B, heads, N, M), which sum to 1 over M."""
        queries, keys = self._split(self.query(x)), self._split(self.key(y))
        return (queries @ keys.transpose(2, 3) / queries.shape[3] ** 0.5).softmax(dim=3)

    def _split(self, x: Tensor) -> Tensor:
        return x.unflatten(2, (self.heads, -1)).transpose(1, 2)


class DecoderBlock(nn.Module):
    """Self-attention, then attention to a second picture if ``cross``, then an MLP four times as wide; norms first."""

    def __init__(self, width: int, heads: int, *, cross: bool):
        super().__init__()
        self.norm1, self.norm3 = nn.LayerNorm(width, eps=_EPS), nn.LayerNorm(width, eps=_EPS)
        self.attn = Attention(width, num_heads=heads, qkv_bias=True)
        self.mlp = Mlp(width, 4 * width)
        if cross:
            self.norm2, self.norm_y = nn.LayerNorm(width, eps=_EPS), nn.LayerNorm(width, eps=_EPS)
            self.cross = CrossAttention(width, heads)

    def forward(self, x: Tensor, y: Tensor | None) -> Tensor:
        """x (B, N, D) after the block. y (B, M, D), the second picture's tokens, is normed here and never updated."""
        x = x + self.attn(self.norm1(x))
        if y is not None:
            x = x + self.cross(self.norm2(x), self.norm_y(y))
        return x + self.mlp(self.norm3(x))


class CompletionDecoder(nn.Module):
    """Tokens of visible patches, and of a whole second picture -> the pixels of every patch of the first.

    Args:
        channels: of the encoder's tokens.
        grid: rows and columns of patches in a view.
        pixels: values of a patch, 3 side^2.
        cross: whether it attends to a second picture.
    """

    positions: Tensor

    def __init__(self, channels: int, recipe: Masking, *, grid: tuple[int, int], pixels: int, cross: bool):
        super().__init__()
        self.embed = nn.Linear(channels, recipe.width)
        self.mask_token = nn.Parameter(torch.zeros(1, 1, recipe.width))
        self.blocks = nn.ModuleList(DecoderBlock(recipe.width, recipe.heads, cross=cross) for _ in range(recipe.depth))
        self.norm = nn.LayerNorm(recipe.width, eps=_EPS)
        self.predict = nn.Linear(recipe.width, pixels)
        begin_with_glorot(self)
        nn.init.normal_(self.mask_token, std=0.02)
        self.register_buffer("positions", sine_positions(*grid, recipe.width)[None], persistent=False)

    def forward(self, tokens: Tensor, visible: Tensor, second: Tensor | None = None) -> Tensor:
        """Complete a picture.

        Args:
            tokens: (B, P + V, C), the encoder's: P of no patch, and those of the patches ``visible``.
            visible: (B, V) int64, places in the grid.
            second: (B, N, C), the encoder's of all patches of a second picture; only of a decoder with ``cross``.

        Returns:
            (B, N, pixels) for every patch, the visible ones included.
        """
        x, y = self.begin(tokens, visible, second)
        for block in self.blocks:
            x = block(x, y)
        return self.predict(self.norm(x[:, -self.positions.shape[1] :]))

    def begin(self, tokens: Tensor, visible: Tensor, second: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """What the first block gets: x (B, P + N, D) with mask tokens for hidden patches, and y (B, N, D)."""
        tokens = self.embed(tokens)
        prefix, seen = tokens.split([tokens.shape[1] - visible.shape[1], visible.shape[1]], dim=1)
        masked = self.mask_token.to(seen.dtype).expand(len(seen), self.positions.shape[1], -1)
        x = masked.scatter(1, visible[:, :, None].expand_as(seen), seen) + self.positions
        y = None if second is None else self.embed(second) + self.positions
        return torch.cat([prefix.to(x.dtype), x], dim=1), y
