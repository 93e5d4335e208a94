"""Memory of Human3.6M's and LIP's scores, of some test samples and of ten times as many, against keeping all of them.

What counts is what scoring takes beside its input, which is poses in memory and label maps on the disk.
"""

import functools
import tempfile
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from benchmarks.runner import OURS, PUBLISHED, Case, Figure, Variant, timed
from downstream import metrics
from downstream.h36m.pose_3d.reader import H36MPoses
from downstream.h36m.pose_3d.scores import score, true_poses
from downstream.label_maps.predictions import read_prediction
from downstream.label_maps.reading import read_label
from downstream.label_maps.scores import confusion, score_maps
from downstream.label_maps.scores import score as score_counts
from downstream.lip.labels import LABELS

CORES = 1

_TIMES = 10
_GROWTH = 1.2  # what ten times as many samples may add
_REMEDY = "run the benchmark again"

Way = Callable[[int], dict[str, Any]]
"""Scores of so many samples."""


def cases(smoke: bool) -> Iterator[Case]:
    rng = np.random.default_rng(0)
    yield _case("Human3.6M 3D", 500 if smoke else 20_000, *_poses(rng))
    with tempfile.TemporaryDirectory() as folder:
        yield _case("LIP", 2 if smoke else 50, *_label_maps(rng, Path(folder)))


def _case(name: str, count: int, streamed: Way, kept: Way) -> Case:
    many = _TIMES * count

    def check() -> None:
        for samples in (count, many):
            ours, theirs = (_flat(way(samples)) for way in (streamed, kept))
            assert ours.keys() == theirs.keys()
            assert np.allclose(list(ours.values()), list(theirs.values()), rtol=1e-12), f"{ours} differs from {theirs}"

    def figures(medians: dict[str, float]) -> list[Figure]:
        few, all_of_them = ([_peak(way, samples) for samples in (count, many)] for way in (streamed, kept))
        told = [
            Figure(f"memory, {what}, {samples:,} samples", value / 2**20, "MiB")
            for what, values in (("streamed", few), ("all kept", all_of_them))
            for samples, value in zip((count, many), values, strict=True)
        ]
        return [*told, Figure(f"streamed, {_TIMES} times the samples take", few[1] / few[0], "x", at_most=_GROWTH)]

    return Case(
        name=f"scores of {name}, {many:,} samples",
        variants=[
            Variant(OURS, "streamed", timed(functools.partial(streamed, many))),
            Variant(PUBLISHED, "all kept", timed(functools.partial(kept, many))),
        ],
        items=many,
        unit="samples",
        check=check,
        figures=figures,
    )


def _peak(way: Way, samples: int) -> int:
    """Bytes that are allocated at once at most."""
    way(2)  # what is made once doesn't count
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        way(samples)
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


def _flat(scores: dict[str, Any], path: str = "") -> dict[str, float]:
    """Every number by the keys that lead to it."""
    if not isinstance(scores, dict):
        return {path: scores}
    return {name: value for key, of in scores.items() for name, value in _flat(of, f"{path}/{key}").items()}


@functools.cache
def _people(samples: int) -> tuple[np.ndarray, H36MPoses]:
    """Predicted poses (N, 17, 3), and true ones. The cache makes them input, whose memory doesn't count."""
    rng = np.random.default_rng(samples)
    joints = rng.normal((0, 0, 5000), 300, (samples, 18, 3))
    actions = rng.integers(2, 17, samples)
    truth = H36MPoses(Path(), [""] * samples, actions, *np.zeros((2, 0)), joints, *np.zeros((2, 0)))
    predicted = true_poses(truth) + rng.normal(0, 50, (samples, 17, 3))
    return predicted, truth


def _poses(rng: np.random.Generator) -> tuple[Way, Way]:
    def streamed(samples: int) -> dict[str, Any]:
        return score(*_people(samples))

    def kept(samples: int) -> dict[str, Any]:
        predicted, truth = _people(samples)
        joints = true_poses(truth)
        errors = [metrics.joint_errors(of, joints) for of in (predicted, metrics.procrustes_align(predicted, joints))]
        by_action = {
            f"{action:02d}": [float(of[truth.actions == action].mean()) for of in errors]
            for action in np.unique(truth.actions)
        }

        def named(values: Any) -> dict[str, float]:
            return dict(zip(("mpjpe_mm", "pa_mpjpe_mm"), map(float, values), strict=True))

        return {
            **named(of.mean() for of in errors),
            "per_action": {action: named(values) for action, values in by_action.items()},
            "action_mean": named(np.mean(list(by_action.values()), axis=0)),
            "samples": samples,
        }

    return streamed, kept


def _label_maps(rng: np.random.Generator, folder: Path) -> tuple[Way, Way]:
    """Pairs of maps of 240x420 px with twenty classes; the same ten files again and again."""
    pairs = []
    for n in range(10):
        for name in ("true", "predicted"):
            labels = cv2.resize(rng.integers(0, 20, (14, 8), dtype=np.uint8), (240, 420), interpolation=0)
            assert cv2.imwrite(str(folder / f"{name}{n}.png"), labels)
        pairs.append((folder / f"true{n}.png", folder / f"predicted{n}.png"))

    def streamed(samples: int) -> dict[str, Any]:
        of = [pairs[n % len(pairs)] for n in range(samples)]
        return score_maps(of, LABELS, truth_remedy=_REMEDY, remedy=_REMEDY)

    def kept(samples: int) -> dict[str, Any]:
        of = [pairs[n % len(pairs)] for n in range(samples)]
        true = [read_label(truth, LABELS, _REMEDY) for truth, _ in of]
        found = [
            read_prediction(path, labels.shape, truth, LABELS, _REMEDY)
            for labels, (truth, path) in zip(true, of, strict=True)
        ]
        counts = sum(confusion(*maps, LABELS.count) for maps in zip(true, found, strict=True))
        return score_counts(counts, LABELS.names)

    return streamed, kept
