"""The processes of a distributed run (torchrun): each one's share of the rows, and their collective operations.

Every process holds the whole global batch, draws the same random numbers, and computes on its own stretch of the rows.
So the same batch goes through the same arithmetic in one process or eight. In a single process every function here is
the identity.
"""

import contextlib
import os
from collections.abc import Iterable, Iterator

import torch
import torch.distributed as dist
import torch.distributed.nn.functional as collective
from torch import Tensor


@contextlib.contextmanager
def joined() -> Iterator[None]:
    """Join the processes that torchrun has started, and leave them at the end; without torchrun do nothing."""
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
    """This process's rows of a global batch (B, ...), as a view: one of ``size()`` equal stretches."""
    share = len(rows) // size()
    return rows[rank() * share : (rank() + 1) * share]


def gathered(rows: Tensor) -> Tensor:
    """All processes' rows (B/W, ...) joined in the global order (B, ...), the inverse of `mine`. No gradient."""
    if size() == 1:
        return rows.detach()
    rows = rows.detach().contiguous()
    parts = [torch.empty_like(rows) for _ in range(size())]
    dist.all_gather(parts, rows)
    return torch.cat(parts)


def joined_rows(rows: Tensor) -> Tensor:
    """As `gathered`, with a gradient: that of each row is the sum of what all processes' losses give it."""
    if size() == 1:
        return rows
    whole = rows.new_zeros(len(rows) * size(), *rows.shape[1:])
    places = torch.arange(len(rows), device=rows.device) + rank() * len(rows)
    return collective.all_reduce(whole.index_copy(0, places, rows))


@torch.no_grad()
def total(value: Tensor) -> Tensor:
    """The sum of a tensor over the processes. No gradient."""
    value = value.detach().clone()
    if size() > 1:
        dist.all_reduce(value)
    return value


@torch.no_grad()
def average_(tensors: Iterable[Tensor]) -> None:
    """Replace floating-point tensors by their means over the processes, in one message."""
    tensors = list(tensors)
    if size() == 1 or not tensors:
        return
    flat = torch.cat([tensor.flatten() for tensor in tensors])
    dist.all_reduce(flat)
    parts = flat.div_(size()).split([tensor.numel() for tensor in tensors])
    torch._foreach_copy_(tensors, [part.view_as(tensor) for part, tensor in zip(parts, tensors, strict=True)])


def agreed(*flags: bool) -> tuple[bool, ...]:
    """The first process's answers to questions that each process would answer by its own clock."""
    if size() == 1:
        return flags
    answers = torch.tensor(flags, dtype=torch.uint8)  # on the CPU, so that the host doesn't wait for a GPU
    dist.broadcast(answers, src=0)
    return tuple(bool(answer) for answer in answers)


def device_name(device: torch.device) -> str:
    """What provenance calls the device, or the devices of all processes."""
    name = torch.cuda.get_device_name() if device.type == "cuda" else "cpu"
    return name if size() == 1 else f"{size()} x {name}"
