"""The dictionary of negatives: a first-in, first-out queue of momentum keys (MoCo, He et al. 2020)."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from liftedcl.identity.errors import InputError


class KeyQueue(nn.Module):
    """``keys`` (K, D), unit length, random at the start. They are buffers, and so part of every checkpoint."""

    keys: Tensor
    position: Tensor

    def __init__(self, length: int, dimension: int, *, batch_size: int):
        """Raises `InputError` if the batch doesn't divide the queue."""
        super().__init__()
        if length % batch_size:
            raise InputError(f"params.yaml: contrast.queue: {length} is not a multiple of the batch size {batch_size}")
        self.register_buffer("keys", F.normalize(torch.randn(length, dimension), dim=1))
        self.register_buffer("position", torch.zeros((), dtype=torch.long))

    @torch.no_grad()
    def push(self, keys: Tensor) -> None:
        """Replace the oldest keys by (B, D) new ones."""
        index = (self.position + torch.arange(len(keys), device=keys.device)) % len(self.keys)
        self.keys.index_copy_(0, index, keys.to(self.keys.dtype))
        self.position.copy_((self.position + len(keys)) % len(self.keys))
