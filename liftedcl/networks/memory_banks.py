"""Memory banks of unit vectors, one for each modality, with an entry for each image of the training set (HCMoCo, CMC).

An image without a modality has no entry that is ever read: the published code writes what a picture of zeros gives, so
that a part of the depth bank's negatives are nearly one vector.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class MemoryBanks(nn.Module):
    """``bank_NAME`` (N, D) are buffers, and so part of every checkpoint and of heads.pt; random at the start."""

    def __init__(self, has: dict[str, Tensor], dimension: int, momentum: float):
        """``has`` says of each modality which of N images have it, (N,) bool; at least one does."""
        super().__init__()
        self._momentum = momentum
        for name, there in has.items():
            self.register_buffer(f"bank_{name}", F.normalize(torch.randn(len(there), dimension), dim=1))
            self.register_buffer(f"has_{name}", there.clone(), persistent=False)
            self.register_buffer(f"rows_{name}", there.nonzero().squeeze(1), persistent=False)

    def entries(self, name: str, rows: Tensor) -> Tensor:
        """The entries (n, D) of images ``rows``."""
        return getattr(self, f"bank_{name}")[rows]

    def has(self, name: str, rows: Tensor) -> Tensor:
        """Which of the images ``rows`` have the modality."""
        return getattr(self, f"has_{name}")[rows]

    def draw(self, name: str, count: int) -> Tensor:
        """``count`` images that have the modality, drawn uniformly with replacement."""
        rows = getattr(self, f"rows_{name}")
        return rows[torch.randint(len(rows), (count,), device=rows.device)]

    @torch.no_grad()
    def update(self, name: str, rows: Tensor, vectors: Tensor, there: Tensor) -> None:
        """Move the entries of ``rows`` (B,) towards ``vectors`` (B, D) where ``there`` (B,), and normalise them.

        An image that is in a batch twice takes its last vector, in whichever order a device writes.
        """
        bank = getattr(self, f"bank_{name}")
        same = (rows[:, None] == rows) & there
        last = (same * torch.arange(1, len(rows) + 1, device=rows.device)).amax(dim=1)
        old, new = bank[rows], vectors.float()[(last - 1).clamp_min(0)]
        moved = F.normalize(self._momentum * old + (1.0 - self._momentum) * new, dim=1)
        bank.index_copy_(0, rows, torch.where((last > 0)[:, None], moved, old))
