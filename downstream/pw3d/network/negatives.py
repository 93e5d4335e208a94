"""Negatives of the contrastive term, drawn as in the published code from the latest embeddings of other people."""

import torch
from torch import Tensor, nn


class Negatives(nn.Module):
    """A first-in, first-out queue of embeddings of all resolutions, empty at the start and part of every checkpoint.

    Attributes:
        keys: (Q, D), unit length, 0 where no embedding has been pushed yet.
        people: (Q,) int64, whose embeddings they are: rows among the samples of all sets, -1 where there is none yet.
    """

    keys: Tensor
    people: Tensor
    position: Tensor

    def __init__(self, length: int, dimension: int) -> None:
        super().__init__()
        self.register_buffer("keys", torch.zeros(length, dimension))
        self.register_buffer("people", torch.full((length,), -1))
        self.register_buffer("position", torch.zeros((), dtype=torch.long))

    @torch.no_grad()
    def push(self, embeddings: Tensor, people: Tensor) -> None:
        """Replace the oldest entries by ``embeddings`` (K, B, D) of ``people`` (B,) at K resolutions."""
        count = embeddings.shape[0] * embeddings.shape[1]
        places = (self.position + torch.arange(count, device=people.device)) % len(self.keys)
        self.keys.index_copy_(0, places, embeddings.flatten(0, 1))
        self.people.index_copy_(0, places, people.repeat(len(embeddings)))
        self.position.copy_((self.position + count) % len(self.keys))

    def draw(self, people: Tensor, count: int) -> Tensor:
        """Which entries are drawn for each of ``people`` (B,), as (B, Q) bool.

        They are ``count`` of other people, or as many as there are for everybody; each set as likely as any other.
        """
        others = (self.people >= 0) & (self.people != people[:, None])
        order = torch.rand(others.shape, device=people.device).masked_fill(~others, -1.0).topk(count).indices
        kept = torch.arange(count, device=people.device) < others.sum(dim=1).min()
        return torch.zeros_like(others).scatter(1, order, kept.expand_as(order))
