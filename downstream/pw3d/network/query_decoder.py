"""The head of HMR2 (Goel et al. 2023, 4D-Humans): one query looks into the map, layer by layer.

Of the published network: pre-norm layers, queries, keys and values without biases, no norm of the map or at the end.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from downstream.pw3d.recipe import QueryDecoderRecipe


class QueryDecoder(nn.Module):
    """A map (B, C, h, w) of any backbone to one vector (B, width) for each image.

    Attributes:
        out_channels: the width.
    """

    def __init__(self, channels: int, recipe: QueryDecoderRecipe) -> None:
        super().__init__()
        width = self.out_channels = recipe.width
        # Published: a token of one number, 0, through a linear layer, plus a learnt position: a sum of two vectors, of
        # which one is enough. It begins as their sum does.
        self.query = nn.Parameter(torch.randn(width) + torch.empty(width).uniform_(-1, 1))
        self.layers = nn.ModuleList(_Layer(channels, recipe) for _ in range(recipe.depth))

    def forward(self, features: Tensor) -> Tensor:
        tokens, query = features.flatten(2).transpose(1, 2), self.query.expand(len(features), 1, -1)
        for layer in self.layers:
            query = layer(query, tokens)
        return query[:, 0]


class _Layer(nn.Module):
    """Self-attention, cross-attention to tokens (B, N, C), and an MLP, each added to the query (B, 1, width)."""

    def __init__(self, channels: int, recipe: QueryDecoderRecipe) -> None:
        super().__init__()
        width, inner = recipe.width, recipe.heads * recipe.head_width
        self._heads = recipe.heads
        self.norm1, self.norm2, self.norm3 = (nn.LayerNorm(width) for _ in range(3))
        # A token that attends to itself alone gets its own value, so self-attention is this product. The published
        # layer also holds queries and keys, which nothing depends on and no gradient reaches.
        self.own = nn.Sequential(nn.Linear(width, inner, bias=False), nn.Linear(inner, width))
        self.queries = nn.Linear(width, inner, bias=False)
        self.keys, self.values = (nn.Linear(channels, inner, bias=False) for _ in range(2))
        self.out = nn.Linear(inner, width)
        self.mlp = nn.Sequential(nn.Linear(width, recipe.hidden), nn.GELU(), nn.Linear(recipe.hidden, width))

    def forward(self, query: Tensor, tokens: Tensor) -> Tensor:
        query = query + self.own(self.norm1(query))
        parts = self.queries(self.norm2(query)), self.keys(tokens), self.values(tokens)
        seen = F.scaled_dot_product_attention(*(part.unflatten(2, (self._heads, -1)).transpose(1, 2) for part in parts))
        query = query + self.out(seen.transpose(1, 2).flatten(2))
        return query + self.mlp(self.norm3(query))
