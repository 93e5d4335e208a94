"""Everything that needs a GPU, on one card: ``python -m benchmarks.gpu``.

Checks what only a GPU can show (no synchronisation in a step, the same losses after resuming, gradients in bfloat16),
and measures the paper's step (ResNet-50, batch 128, 256x256, K = 16384) and each fine-tuning's. A section that fails is
recorded, the others go on, and the exit status is 1. ``--device cpu --smoke`` runs all but torch.compile at toy sizes
on a CPU.
"""

import argparse
import contextlib
import copy
import dataclasses
import functools
import os
import statistics
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks import align as alignment
from benchmarks import dense_nce, ema
from benchmarks.parts import published
from benchmarks.parts.finetune_steps import finetune_steps
from benchmarks.parts.steps import OurStep, PublishedStep
from benchmarks.random_data import jpeg, pictures, write_shard
from benchmarks.recipes import PAPER, liftedcl_recipe
from benchmarks.report import RESULTS, describe_result, write_report
from benchmarks.runner import OURS, PEER, PUBLISHED, Case, Figure, Variant, cores, describe_environment, measure, timed
from liftedcl.engine.device import prepare_device
from liftedcl.files.atomic import write_json
from liftedcl.identity.errors import InputError, run_cli
from liftedcl.images.shard import Shard
from liftedcl.losses.infonce import info_nce
from liftedcl.networks.keys import KeyEncoder
from liftedcl.prior import sample_skeletons
from liftedcl.recipes.encoder_recipe import EncoderRecipe
from liftedcl.views.align import align
from liftedcl.views.rendering import render_batched, render_views
from liftedcl.views.view_draw import Geometry, ViewDraw, draw_views

_GOAL = 2400.0  # images/s on an H200
_FLOP_PER_PAIR = 46.9e9  # query trunk 31.7, key trunk 10.7, dense heads 2.3, dense logits 2.2
_BYTES_PER_PAIR = 880e6  # bf16, NHWC, eager


@dataclass(frozen=True)
class Bench:
    """What the sections share. ``files`` are JPEGs of the shard's first images."""

    device: torch.device
    smoke: bool
    recipe: EncoderRecipe
    shard: Shard
    files: list[bytes]
    skeletons: np.ndarray

    def clock(self, work: Callable[[], Any]) -> Callable[[], float]:
        """As `timed`, but with the device's own clock."""
        return _cuda_timed(work) if self.device.type == "cuda" else timed(work)

    def case(self, name: str, ways: dict[tuple[str, str], Callable[[], Any]], **more: Any) -> dict[str, Any]:
        """Measure the ways of doing something, by (role, name)."""
        variants = [Variant(role, way, self.clock(work)) for (role, way), work in ways.items()]
        case = Case(name=name, variants=variants, **{"check": lambda: None, "items": 1, "unit": "runs"} | more)
        return measure(case, repeats=1 if self.smoke else 15)

    def our_step(self) -> OurStep:
        autocast = self.device.type == "cuda"  # a CPU computes bfloat16 slowly
        return OurStep(self.recipe, self.shard, self.skeletons, self.device, autocast=autocast)

    def synchronise(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize()


Section = Callable[[Bench], Iterator[dict[str, Any]]]


def card(bench: Bench) -> Iterator[dict[str, Any]]:
    """What this card measurably does at best, and the rate of steps that this allows."""
    side = 256 if bench.smoke else 8192
    first, second = (torch.randn(side, side, device=bench.device, dtype=torch.bfloat16) for _ in range(2))
    source = torch.rand(side * side * (1 if bench.smoke else 8), device=bench.device)
    target = torch.empty_like(source)
    product, copying = (
        statistics.median(clock() for _ in range(12))
        for clock in (bench.clock(lambda: torch.mm(first, second)), bench.clock(lambda: target.copy_(source)))
    )
    flops, bandwidth = 2 * side**3 / product, 2 * source.nbytes / copying
    yield _figures(
        "this card",
        Figure("bf16 matrix product", flops / 1e12, "TFLOP/s"),
        Figure("memory traffic", bandwidth / 1e12, "TB/s"),
        Figure("floor of a step, arithmetic", flops / _FLOP_PER_PAIR, "images/s"),
        Figure("floor of a step, eager traffic", bandwidth / _BYTES_PER_PAIR, "images/s"),
    )


def dense_loss(bench: Bench) -> Iterator[dict[str, Any]]:
    """L_equiv's InfoNCE in bfloat16 under autocast, compared with all logits in float32 and in bfloat16."""
    images, length = bench.recipe.training.batch_size, bench.recipe.contrast.queue
    inputs = [x.to(bench.device) for x in dense_nce.random_inputs(images * 256, length)]

    def halved(loss: dense_nce.Loss) -> Tensor:
        with torch.autocast(bench.device.type, torch.bfloat16):
            return dense_nce.gradient(loss, *inputs)

    ways = {
        (OURS, "attention form"): functools.partial(halved, info_nce),
        (PUBLISHED, "all logits, float32"): functools.partial(dense_nce.gradient, dense_nce.naive, *inputs),
        (PEER, "all logits, bfloat16"): functools.partial(halved, dense_nce.naive),
    }
    exact = dense_nce.gradient_error(length, bench.device)
    with torch.autocast(bench.device.type, torch.bfloat16):
        rounded = dense_nce.gradient_error(length, bench.device)
    assert exact < 1e-5 and rounded < 0.02, f"the gradient is off by {exact:.1e} in float32, {rounded:.1e} in bfloat16"
    found = bench.case(f"dense loss, N = {images}, K = {length}", ways, items=images, unit="images")
    memory = {role: _extra_memory(bench, way) for (role, _), way in ways.items()}
    figures = (
        Figure("time", 1000 * found["variants"][0]["median"], "ms", at_most=0.8),
        Figure("extra memory, ours", memory[OURS] / 1e6, "MB", at_most=100.0),
        Figure("extra memory, all logits in float32", memory[PUBLISHED] / 1e6, "MB"),
        Figure("gradient error, float32", exact, "", at_most=1e-6),
        Figure("gradient error, bfloat16 products", rounded, "", at_most=2e-3),
    )
    found["figures"] = [asdict(figure) for figure in figures]
    yield found


def shared_areas(bench: Bench) -> Iterator[dict[str, Any]]:
    """Alignment of both views, forward and backward."""
    count = bench.recipe.training.batch_size
    torch.manual_seed(0)
    query, key, upstream = alignment.random_maps(count, bench.device)
    geometries = alignment.random_pair(count, bench.device)
    both = functools.partial(alignment.both_views, query=query, key=key, upstream=upstream, geometries=geometries)
    ways = {
        (OURS, "two matrix products"): functools.partial(both, align),
        (PUBLISHED, "loop over samples"): functools.partial(both, published.align),
        (PEER, "torchvision roi_align"): functools.partial(both, alignment.roi_aligned),
    }
    check = functools.partial(alignment.check, both, geometries)
    yield bench.case(f"alignment, N = {count}", ways, items=count, unit="pairs", check=check)


def views(bench: Bench) -> Iterator[dict[str, Any]]:
    """Views rendered on the device, compared with the CPU's."""
    recipe, count = bench.recipe.views, bench.recipe.training.batch_size
    host = torch.from_numpy(np.array(bench.shard.images[:count])).permute(0, 3, 1, 2)
    images = host.to(bench.device)

    def render() -> Tensor:
        return render_batched(images, draw_views(count, *images.shape[2:], recipe, bench.device), recipe)

    def check() -> None:
        draw = draw_views(count, *host.shape[2:], recipe, "cpu")
        expected, found = render_views(host, draw, recipe), render_batched(images, _moved(draw, bench.device), recipe)
        difference = (found.cpu() - expected).abs().mean() * 0.226 * 255.0
        assert difference < 2.0, f"views differ from the CPU's by {difference:.2f} grey levels on average"

    ways = {(OURS, "in batch on the device"): render}
    found = bench.case(f"one view of each of {count} images", ways, items=count, unit="views", check=check)
    found["figures"] = [asdict(Figure("views", count / found["variants"][0]["median"], "1/s"))]
    yield found


def momentum(bench: Bench) -> Iterator[dict[str, Any]]:
    """The momentum update."""
    torch.manual_seed(0)
    backbone, heads = (network.to(bench.device) for network in ema.networks(bench.recipe.backbone))
    query = nn.ModuleList([backbone, heads])
    key, plain = KeyEncoder(backbone, heads), copy.deepcopy(query).requires_grad_(False)
    rate = bench.recipe.contrast.key_momentum
    ways = {
        (OURS, "one fused update"): lambda: key.follow(backbone, heads, rate),
        (PUBLISHED, "loop over parameters"): lambda: published.follow(plain, query, rate),
    }
    check = functools.partial(ema.check, query, backbone, heads)
    yield bench.case("momentum update", ways, items=1, unit="updates", check=check)


def whole_step(bench: Bench) -> Iterator[dict[str, Any]]:
    """The step as `liftedcl.pretrain` runs it, and the same with autotuning instead of determinism."""
    yield _throughput(bench, "step: eager, bf16, channels last", goal=_GOAL)
    if bench.device.type == "cuda":
        torch.use_deterministic_algorithms(False)
        torch.backends.cudnn.benchmark = True
        try:
            yield _throughput(bench, "step: the same, cuDNN autotuned, not deterministic")
        finally:
            prepare_device(torch.get_num_threads())


def compiled_step(bench: Bench) -> Iterator[dict[str, Any]]:
    """The step with ``--compile``."""
    if bench.smoke:
        return
    yield _throughput(bench, "step: compiled, bf16, channels last", compiled=True, goal=_GOAL)


def _throughput(bench: Bench, name: str, *, compiled: bool = False, goal: float | None = None) -> dict[str, Any]:
    step = bench.our_step()
    if compiled:
        step.task.compile()
    begin = time.perf_counter()
    warm_up, timed_steps = (1, 2) if bench.smoke else (10, 40)
    for _ in range(warm_up):
        step()
    bench.synchronise()
    warm = time.perf_counter() - begin
    if bench.device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
    rates = []
    for _ in range(2 if bench.smoke else 5):
        begin = time.perf_counter()
        for _ in range(timed_steps):
            terms = step()
        bench.synchronise()
        rates.append(timed_steps * bench.recipe.training.batch_size / (time.perf_counter() - begin))
    assert all(bool(term.isfinite()) for term in terms.values()), terms
    step.close()
    rate = statistics.median(rates)
    return _figures(
        name,
        Figure("throughput", rate, "images/s", at_least=goal),
        Figure("throughput, slowest of 5", min(rates), "images/s"),
        Figure("throughput, fastest of 5", max(rates), "images/s"),
        Figure("share of the arithmetic floor (16,800 images/s, H200)", rate / 16800.0, ""),
        Figure("share of the eager traffic floor (4,890 images/s, H200)", rate / 4890.0, ""),
        Figure("peak memory", _peak(bench) / 1e9, "GB"),
        Figure("warm-up, compilation included", warm, "s"),
    )


def published_step(bench: Bench) -> Iterator[dict[str, Any]]:
    """A step written the published way on the same card, with and without the loading of its views."""
    step = PublishedStep(bench.recipe, bench.files, bench.skeletons, bench.device)
    loaded = step.load()
    batch = bench.recipe.training.batch_size
    if bench.device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
    for name, work, repeats in (
        ("views already there", lambda: step.train(*loaded), 20),
        ("views made by PIL in the same process", step, 4),
    ):
        work()
        bench.synchronise()
        begin = time.perf_counter()
        for _ in range(1 if bench.smoke else repeats):
            work()
        bench.synchronise()
        rate = batch * (1 if bench.smoke else repeats) / (time.perf_counter() - begin)
        peak = Figure("peak memory", _peak(bench) / 1e9, "GB")
        yield _figures(f"published step: {name}", Figure("throughput", rate, "images/s"), peak)


def synchronisations(bench: Bench) -> Iterator[dict[str, Any]]:
    """Steps in which any wait of the host for the device is an error."""
    step = bench.our_step()
    for _ in range(2):
        step()  # copies tensors to the device that are needed once
    if bench.device.type == "cuda":
        torch.cuda.set_sync_debug_mode("error")
    try:
        for _ in range(1 if bench.smoke else 3):
            step()
    finally:
        if bench.device.type == "cuda":
            torch.cuda.set_sync_debug_mode("default")
    step.close()
    yield _figures("synchronisations in a step", Figure("synchronisations", 0.0, "", at_most=0.0))


def resuming(bench: Bench) -> Iterator[dict[str, Any]]:
    """Steps that go on from a saved state give the losses of the undisturbed run."""
    before, after = (1, 2) if bench.smoke else (5, 20)
    first = bench.our_step()
    for _ in range(before):
        first()
    players = first.task.players
    state = copy.deepcopy(
        (first.task.module.state_dict(), {name: player.optimiser.state_dict() for name, player in players.items()})
    )
    undisturbed = [first() for _ in range(after)]
    first.close()
    second = bench.our_step()
    second.task.module.load_state_dict(state[0])
    for name, player in second.task.players.items():
        player.optimiser.load_state_dict(state[1][name])
    second.skip(before)
    resumed = [second() for _ in range(after)]
    second.close()
    apart = max(
        float((terms[name] - again[name]).abs())
        for terms, again in zip(undisturbed, resumed, strict=True)
        for name in terms
    )
    assert apart < 1e-3, f"losses are up to {apart} apart after resuming"
    yield _figures(f"{after} resumed steps", Figure("largest difference of a loss", apart, "", at_most=0.0))


SECTIONS: tuple[Section, ...] = (
    synchronisations, whole_step, dense_loss, shared_areas, views, momentum, resuming, published_step, finetune_steps,
    card, compiled_step,
)  # fmt: skip
"""The compiled step comes last: it can take minutes."""


def run(device: torch.device, *, smoke: bool) -> dict[str, Any]:
    """Run all sections. The result's ``failures`` lists those that ended in an error."""
    started, load = time.time(), os.getloadavg()[0]
    cases, failures = [], []
    with tempfile.TemporaryDirectory() as folder:
        bench = _prepare(device, smoke, Path(folder))
        for section in SECTIONS:
            begin = time.perf_counter()
            try:
                cases += section(bench)
            except Exception as error:  # the others must go on after any error
                traceback.print_exc()
                failures.append({"section": section.__name__, "error": f"{type(error).__name__}: {error}"[:500]})
            print(f"[gpu] {section.__name__}: {time.perf_counter() - begin:.1f} s", flush=True)
            if device.type == "cuda":
                torch.cuda.empty_cache()
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"
    environment = describe_environment(started, name, load)
    return {"benchmark": "gpu", "smoke": smoke, "environment": environment, "cases": cases, "failures": failures}


def _prepare(device: torch.device, smoke: bool, folder: Path) -> Bench:
    if smoke:
        recipe = liftedcl_recipe("resnet18_narrow", batch_size=4, size=32, queue=64, hidden=32)
        height, width, count, steps = 32, 24, 8, 6
    else:
        recipe = liftedcl_recipe("resnet50", batch_size=128, size=256, queue=16384)
        height, width, count, steps = PAPER.crops.height, PAPER.crops.width, 128, 48
    some = pictures(np.random.default_rng(0), count, height, width)
    copies = -(-recipe.training.batch_size * steps // count)
    packed = np.concatenate([np.roll(some, shift, axis=2) for shift in range(copies)])
    return Bench(
        device=device,
        smoke=smoke,
        recipe=recipe,
        shard=write_shard(folder / "crops.npy", packed),
        files=[jpeg(picture) for picture in some],
        skeletons=sample_skeletons(1000, np.random.default_rng(1), PAPER.skeletons),
    )


def _moved(draw: ViewDraw, device: torch.device) -> ViewDraw:
    tensors = {name: value.to(device) for name, value in vars(draw).items() if isinstance(value, Tensor)}
    geometry = Geometry(draw.geometry.boxes.to(device), draw.geometry.flips.to(device))
    return dataclasses.replace(draw, geometry=geometry, **tensors)


def _figures(name: str, *figures: Figure) -> dict[str, Any]:
    return {"name": name, "variants": [], "figures": [asdict(figure) for figure in figures]}


def _cuda_timed(work: Callable[[], Any]) -> Callable[[], float]:
    def seconds() -> float:
        start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        torch.cuda.synchronize()
        start.record()
        work()
        end.record()
        torch.cuda.synchronize()
        return start.elapsed_time(end) / 1000.0

    return seconds


def _extra_memory(bench: Bench, work: Callable[[], Any]) -> int:
    """Bytes that ``work`` allocates at its peak beyond what is there; 0 on a CPU."""
    if bench.device.type != "cuda":
        work()
        return 0
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    work()
    return torch.cuda.max_memory_allocated() - before


def _peak(bench: Bench) -> int:
    return torch.cuda.max_memory_allocated() if bench.device.type == "cuda" else 0


def main(words: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.gpu",
        description="Check and measure pre-training and the steps of all fine-tunings on one GPU.",
    )
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--smoke", action="store_true", help="toy sizes: does it run and is it correct?")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="for gpu.json (default: benchmarks/results)")
    arguments = parser.parse_args(words)
    if arguments.device == "cuda" and not torch.cuda.is_available():
        raise InputError("--device cuda: torch sees no GPU here; --device cpu --smoke tries the script without one")
    if arguments.device == "cpu" and not arguments.smoke:
        raise InputError("--device cpu: only with --smoke; the paper's sizes take a CPU hours")
    device = prepare_device(len(os.sched_getaffinity(0))) if arguments.device == "cuda" else torch.device("cpu")
    with cores(1, pinned=False) if arguments.smoke else contextlib.nullcontext():
        result = run(device, smoke=arguments.smoke)
    out = arguments.out or (None if arguments.smoke else RESULTS)
    if out is not None:
        write_json(out / "gpu.json", result)
    if out == RESULTS:
        write_report()
    print(describe_result(result))
    for failure in result["failures"]:
        print(f"failed: {failure['section']}: {failure['error']}", file=sys.stderr)
    if result["failures"]:
        sys.exit(1)


if __name__ == "__main__":
    run_cli(main)
