"""How everything here is timed: variants take turns, a warm-up doesn't count, and medians and ratios are reported.

A machine that slows down for a while slows all variants of a round alike: ratios are taken within each round, and
their median and quartiles are reported.
"""

import contextlib
import dataclasses
import gc
import importlib
import importlib.metadata
import os
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from liftedcl.files.atomic import write_json
from liftedcl.identity import provenance

OURS, PUBLISHED, PEER, FLOOR = "ours", "published", "peer", "floor"

_REPEATS = 9
_REPEATS_SMOKE = 1


@dataclass(frozen=True)
class Variant:
    """One way of doing the work. ``seconds`` does it once and returns how long it took; see `timed`."""

    role: str
    name: str
    seconds: Callable[[], float]


@dataclass(frozen=True)
class Figure:
    """A measurement that isn't a variant's time. ``at_most`` and ``at_least`` are its goal."""

    name: str
    value: float
    unit: str
    at_most: float | None = None
    at_least: float | None = None


@dataclass(frozen=True)
class Case:
    """The same work done in several ways: exactly one is ours, at most one is published, any are peers and floors.

    Attributes:
        items: how many of ``unit`` one repeat does.
        check: asserts that the variants do the same work correctly; runs before the timing.
        goal: how many times faster than the published way ours should be.
        figures: called after the timing, with the median seconds by variant name.
        note: what a reader of the table has to know.
    """

    name: str
    variants: Sequence[Variant]
    items: int
    unit: str
    check: Callable[[], None]
    goal: float | None = None
    figures: Callable[[dict[str, float]], list[Figure]] = field(default=lambda medians: [])
    note: str = ""

    def __post_init__(self) -> None:
        roles = [variant.role for variant in self.variants]
        assert roles.count(OURS) == 1 and roles.count(PUBLISHED) <= 1, f"{self.name}: {roles}"
        assert len({variant.name for variant in self.variants}) == len(roles), f"{self.name}: two variants of one name"


def timed(work: Callable[[], Any]) -> Callable[[], float]:
    """A function that does ``work`` and returns its wall time in seconds."""

    def seconds() -> float:
        start = time.perf_counter()
        work()
        return time.perf_counter() - start

    return seconds


def measure(case: Case, *, repeats: int) -> dict[str, Any]:
    """Check a case, time it, and describe the results as plain values.

    Raises:
        AssertionError: the check failed.
    """
    case.check()
    times: dict[str, list[float]] = {variant.name: [] for variant in case.variants}
    for variant in case.variants:
        variant.seconds()
    for repeat in range(repeats):
        gc.collect()
        shift = repeat % len(case.variants)  # so that no variant always runs after the same one
        for variant in (*case.variants[shift:], *case.variants[:shift]):
            times[variant.name].append(variant.seconds())
    medians = {name: statistics.median(values) for name, values in times.items()}
    ours = next(variant.name for variant in case.variants if variant.role == OURS)
    return {
        "name": case.name,
        "items": case.items,
        "unit": case.unit,
        "goal": case.goal,
        "note": case.note,
        "variants": [
            {
                "role": variant.role,
                "name": variant.name,
                "seconds": times[variant.name],
                "median": medians[variant.name],
                "ours_is_faster_by": _ratio(times[variant.name], times[ours]),
            }
            for variant in case.variants
        ],
        "figures": [dataclasses.asdict(figure) for figure in case.figures(medians)],
    }


def _ratio(slow: list[float], fast: list[float]) -> dict[str, float]:
    low, median, high = np.percentile(np.divide(slow, fast), [25, 50, 75])
    return {"low": float(low), "median": float(median), "high": float(high)}


def run(name: str, *, smoke: bool, out: Path | None) -> dict[str, Any]:
    """Run one benchmark of `benchmarks.NAMES` and write ``out/NAME.json``, unless ``out`` is None.

    ``smoke`` means small sizes and one repeat: it shows that everything runs and is correct; its times mean nothing.

    Raises:
        AssertionError: a variant is wrong. A long time never raises.
    """
    module = importlib.import_module(f"benchmarks.{name}")
    started, load = time.time(), os.getloadavg()[0]
    with cores(1 if smoke else module.CORES, pinned=not smoke):
        cases = [measure(case, repeats=_REPEATS_SMOKE if smoke else _REPEATS) for case in module.cases(smoke)]
        environment = describe_environment(started, "cpu", load)
    result = {"benchmark": name, "smoke": smoke, "environment": environment, "cases": cases}
    if out is not None:
        write_json(out / f"{name}.json", result)
    return result


def describe_environment(started: float, device: str, load: float) -> dict[str, Any]:
    """Date, hardware, threads and versions. ``load`` is the machine's load average before the start."""
    described = provenance.describe(recipe={}, seed=None, inputs={}, code="", started=started, device=device)
    packages = described["packages"]
    for name in ("pillow", "scipy"):
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):  # a GPU machine may do without scipy
            packages[name] = importlib.metadata.version(name)
    return {
        "date": described["started"],
        "commit": described["commit"],
        "hardware": described["hardware"],
        "threads": torch.get_num_threads(),
        "load_before": round(load, 2),
        "packages": packages,
    }


@contextlib.contextmanager
def cores(count: int, *, pinned: bool) -> Iterator[None]:
    """Give torch ``count`` threads, and with ``pinned`` this process as many cores: all variants get the same."""
    allowed, threads, cv2_threads = os.sched_getaffinity(0), torch.get_num_threads(), cv2.getNumThreads()
    count = min(count, len(allowed))
    torch.set_num_threads(count)
    cv2.setNumThreads(1)
    if pinned:
        os.sched_setaffinity(0, set(sorted(allowed)[:count]))
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)
        torch.set_num_threads(threads)
        cv2.setNumThreads(cv2_threads)
