"""The commands that all benchmarks share, as subjects: each with its recipe, its data set and its predictions."""

import contextlib
import dataclasses
import functools
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from fuzz import data_sets
from fuzz.encoders import RECIPE, recipe_subject, write_recipe
from fuzz.subject import Subject, command
from tiny.data_of_benchmarks import DATA

from downstream.reading.frames import Region
from downstream.reading.region_files import FORMATS, SHARD
from downstream.reading.region_shard import RegionShard
from downstream.reading.region_writer import RegionPlan, pack
from downstream.registry import BENCHMARKS
from downstream.training.region_cut import cut_of
from liftedcl.files.atomic import write_text
from liftedcl.identity.recipe import to_json
from liftedcl.networks.encoder import build_backbone, save_encoder

_DATA: dict[str, tuple[Callable[[Path], None], str]] = {
    "coco": (data_sets.write_coco, "predictions.json"),
    "mpii": (data_sets.write_mpii, "predictions.mat"),
    "h36m_2d": (data_sets.write_h36m, "joints.npz"),
    "h36m_3d": (data_sets.write_h36m, "poses.npz"),
    "h36m_parsing": (data_sets.write_parsing, f"predictions/{data_sets.PARSED_FRAME}.png"),
    "pw3d": (data_sets.write_pw3d, "predictions.npz"),
    "lip": (data_sets.write_lip, "predictions/0_1000.png"),
}
"""Benchmark -> what makes its data set and predictions, and one of these."""

_CUT = "cut.json"


def _subjects(benchmark: str) -> Iterator[Subject]:
    recipe, (write, predictions) = DATA[benchmark][1], _DATA[benchmark]
    run = "{}"
    if predictions in ("joints.npz", "poses.npz"):  # both benchmarks have one data set
        predictions = "run/predictions.npz"
        run = "{}/run"

    def make(root: Path) -> None:
        write(root)
        write_recipe(root, recipe)
        if run != "{}":
            (root / "run").mkdir()
            (root / _DATA[benchmark][1]).rename(root / predictions)

    def make_with_encoder(root: Path) -> None:
        make(root)
        torch.manual_seed(0)
        save_encoder(build_backbone("resnet18_narrow"), root / "encoder.pt")

    def shared(module: str, out: str, *words: str, told: bool = True):
        about = ("--benchmark", benchmark, "--recipe", f"{{}}/{RECIPE}", "--data", "{}", "--out", f"{{}}/out/{out}")
        return command(f"downstream.{module}", *about, *words, told=told)

    yield recipe_subject(benchmark, BENCHMARKS[benchmark].recipe, recipe)
    yield Subject(f"score {benchmark}", make, (RECIPE, predictions), shared("score", "metrics.json", "--run", run))
    yield Subject(f"draw {benchmark}", make, (RECIPE, predictions),
                  shared("draw", "x.png", "--run", run, told=False))  # fmt: skip
    yield Subject(f"reference {benchmark}", make, (RECIPE,), shared("reference", "r.json", told=False))
    yield Subject(f"augmented {benchmark}", make, (RECIPE,), shared("augmented", "x.png", told=False))

    def make_with_cut(root: Path) -> None:
        write(root)
        write_text(root / _CUT, to_json(cut_of(dataclasses.replace(recipe, regions="raw"))))

    if find_spec(BENCHMARKS[benchmark].module("regions")):
        yield Subject(f"cut_regions {benchmark}", make_with_cut, (_CUT,),
                      command("downstream.cut_regions", "--benchmark", benchmark, "--recipe", f"{{}}/{_CUT}", "--data",
                              "{}", "--out", "{}/out/regions", "--workers", "1", told=False), keeps=True)  # fmt: skip
    training = ("--encoder", "{}/encoder.pt", "--backbone", "resnet18_narrow")
    yield Subject(f"finetune {benchmark}", make_with_encoder, (RECIPE, "encoder.pt"),
                  shared("finetune", "run", *training, told=False), slow=True)  # fmt: skip


def _pack(format: str, root: Path) -> None:
    rng = np.random.default_rng(0)
    made = [Region.whole(rng.integers(0, 256, (5, 4, 3), dtype=np.uint8)) for _ in range(3)]
    plan = RegionPlan([(0, 1), (2,)], lambda rows: [made[n] for n in rows], "digest", format)
    with contextlib.redirect_stdout(None):
        pack(plan, root, name="x", workers=1)


def _packed(root: Path) -> Any:
    shard = RegionShard(root, "digest")
    return [shard.region(n).pixels[:, :] for n in range(len(shard))]


SHARED = (
    *(subject for benchmark in _DATA for subject in _subjects(benchmark)),
    *(
        Subject(f"packed regions, {format}", functools.partial(_pack, format), SHARD, _packed, sealed=True)
        for format in FORMATS
    ),
)
