"""L_equiv's InfoNCE: 256 positions an image against a queue of 16384 keys, with the gradient of the queries.

Extra memory is the growth of a process's peak (`VmHWM`) in one forward and backward pass, without the inputs. It is
measured in a new process, ours first, because memory freed earlier would hide it. The gradient's error is its largest
difference from float64, relative to the largest element.
"""

import functools
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from benchmarks.parts import published
from benchmarks.runner import FLOOR, OURS, PEER, PUBLISHED, Case, Figure, Variant, timed
from liftedcl.losses.infonce import info_nce

CORES = 2

_TEMPERATURE = 0.2
_DIMENSION = 128
_POSITIONS = 256
_SHARE_OF_MEMORY = 0.05

Loss = Callable[[Tensor, Tensor, Tensor, float], Tensor]


def cases(smoke: bool) -> Iterator[Case]:
    images, length = (4, 4096) if smoke else (16, 16384)
    inputs = random_inputs(images * _POSITIONS, length)
    queries, _, keys = inputs
    buffer = torch.empty(min(512, len(queries)), length)
    yield Case(
        name=f"dense loss, N = {images}, K = {length}",
        variants=[
            Variant(OURS, "attention form", timed(functools.partial(gradient, info_nce, *inputs))),
            Variant(PUBLISHED, "all logits, cross-entropy", timed(functools.partial(gradient, naive, *inputs))),
            Variant(PEER, "torch checkpoint over chunks", timed(functools.partial(gradient, chunked, *inputs))),
            Variant(FLOOR, "its two matrix products, no more", timed(lambda: _products(queries, keys, buffer))),
        ],
        items=images,
        unit="images",
        check=check,
        goal=4.0,
        figures=lambda medians: _figures(images * _POSITIONS, length),
    )


def random_inputs(count: int, length: int, dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor, Tensor]:
    """Queries (count, D), positives (count, D) and negatives (length, D) of unit length."""
    torch.manual_seed(1)
    rows = (count, count, length)
    first, second, third = (F.normalize(torch.randn(n, _DIMENSION, dtype=dtype), dim=1) for n in rows)
    return first, second, third


def gradient(loss: Loss, queries: Tensor, positives: Tensor, negatives: Tensor) -> Tensor:
    """The gradient of the mean loss with respect to the queries."""
    queries = queries.detach().requires_grad_()
    (found,) = torch.autograd.grad(loss(queries, positives, negatives, _TEMPERATURE).mean(), queries)
    return found


naive = published.info_nce


def chunked(queries: Tensor, positives: Tensor, negatives: Tensor, temperature: float) -> Tensor:
    """The published loss, chunk by chunk; the gradient computes the logits again."""
    pairs = zip(queries.split(256), positives.split(256), strict=True)
    return torch.cat([checkpoint(naive, q, p, negatives, temperature, use_reentrant=False) for q, p in pairs])


def check() -> None:
    """All ways have the same losses and gradients."""
    inputs = random_inputs(300, 1000)
    expected, wanted = naive(*inputs, _TEMPERATURE), gradient(naive, *inputs)
    for way in (info_nce, chunked):
        assert torch.allclose(way(*inputs, _TEMPERATURE), expected, atol=1e-5), way.__name__
        assert torch.allclose(gradient(way, *inputs), wanted, atol=1e-7), way.__name__


def gradient_error(length: int, device: torch.device | str = "cpu", dtype: torch.dtype = torch.float32) -> float:
    """Largest error of our gradient against float64, relative to its largest element, for queries of ``dtype``."""
    exact = [x.to(device) for x in random_inputs(512, length, torch.float64)]
    wanted = gradient(naive, *exact)
    found = gradient(info_nce, *(x.to(dtype) for x in exact))
    return float((found - wanted).abs().max() / wanted.abs().max())


def _figures(count: int, length: int) -> list[Figure]:
    ours, everything = extra_memory(count, length)
    return [
        Figure("gradient error against float64", gradient_error(length), "", at_most=1e-6),
        Figure("extra memory, ours", ours / 2**20, "MiB"),
        Figure("extra memory, all logits", everything / 2**20, "MiB"),
        Figure("extra memory, ours of all logits", ours / everything, "", at_most=_SHARE_OF_MEMORY),
    ]


def extra_memory(count: int, length: int) -> tuple[int, int]:
    """Bytes by which one gradient raises the peak of a new process: ours, and with all logits."""
    words = [sys.executable, "-m", "benchmarks.dense_nce", str(count), str(length), str(torch.get_num_threads())]
    root = Path(__file__).resolve().parent.parent
    ours, everything = subprocess.run(words, cwd=root, check=True, stdout=subprocess.PIPE, text=True).stdout.split()
    return int(ours), int(everything)


def _peak_growth(loss: Loss, count: int, length: int) -> int:
    gradient(loss, *random_inputs(64, 128))  # loads kernels and thread pools, whose memory doesn't count
    inputs = random_inputs(count, length)
    Path("/proc/self/clear_refs").write_text("5")  # resets the peak
    before = _status("VmRSS")
    gradient(loss, *inputs)
    return max(_status("VmHWM") - before, 0)


def _status(key: str) -> int:
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(key))
    return int(line.split()[1]) * 1024


def _products(queries: Tensor, keys: Tensor, buffer: Tensor) -> None:
    """queries @ keys.T and its product with the keys, some rows at a time."""
    for rows in queries.split(len(buffer)):
        torch.mm(torch.mm(rows, keys.T, out=buffer[: len(rows)]), keys)


if __name__ == "__main__":  # the new process of extra_memory
    _count, _length, _threads = map(int, sys.argv[1:])
    torch.set_num_threads(_threads)
    print(*(_peak_growth(_loss, _count, _length) for _loss in (info_nce, naive)))
