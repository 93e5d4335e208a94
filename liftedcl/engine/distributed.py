"""The processes of a distributed run (torchrun): who deals with which rows, and what they tell each other.

Every process holds the whole global batch and draws its random numbers with the same seed; it computes on its own
stretch of the rows. So one process or eight, the same batch goes through the same arithmetic. In a
single process everything here is the identity.
"""

import contextlib
import os
from collections.abc import Iterable, Iterator

import torch
import torch.distributed as dist
from torch import Tensor


@contextlib.contextmanager
def joined() -> Iterator[None]:
    """Join the processes that torchrun has started, and leave them at the end; nothing where it has not."""
    if "LOCAL_RANK" not in os.environ:
        yield
        return
    dist.init_process_group("cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo")
    try:
        yield
    finally:
        dist.destroy_process_group()


def rank() -> int:
    """This process's number, from 0."""
    return dist.get_rank() if dist.is_initialized() else 0


def size() -> int:
    """The number of processes."""
    return dist.get_world_size() if dist.is_initialized() else 1


def mine(rows: Tensor) -> Tensor:
    """This process's rows of a global batch (B, ...): one of ``size()`` equal stretches. A view."""
    share = len(rows) // size()
    return rows[rank() * share : (rank() + 1) * share]


def gathered(rows: Tensor) -> Tensor:
    """All processes' rows (B/W, ...) back in the global order (B, ...); the inverse of `mine`. No gradient."""
    if size() == 1:
        return rows.detach()
    rows = rows.detach().contiguous()
    parts = [torch.empty_like(rows) for _ in range(size())]
    dist.all_gather(parts, rows)
    return torch.cat(parts)


@torch.no_grad()
def total(value: Tensor) -> Tensor:
    """The sum of a tensor over the processes. No gradient."""
    value = value.detach().clone()
    if size() > 1:
        dist.all_reduce(value)
    return value


@torch.no_grad()
def average_(tensors: Iterable[Tensor]) -> None:
    """Replace floating-point tensors by their means over the processes: one message for all of them."""
    tensors = list(tensors)
    if size() == 1 or not tensors:
        return
    flat = torch.cat([tensor.flatten() for tensor in tensors])
    dist.all_reduce(flat)
    parts = flat.div_(size()).split([tensor.numel() for tensor in tensors])
    torch._foreach_copy_(tensors, [part.view_as(tensor) for part, tensor in zip(parts, tensors, strict=True)])


def agreed(*flags: bool) -> tuple[bool, ...]:
    """The first process's answers to questions that each would answer by its own clock."""
    if size() == 1:
        return flags
    answers = torch.tensor(flags, dtype=torch.uint8)  # on the CPU: asking must not make the host wait for a GPU
    dist.broadcast(answers, src=0)
    return tuple(bool(answer) for answer in answers)
