"""What runs is what counts: each module whose functions a job calls is in the job's listing, or named with a reason."""

import dataclasses
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from repository import REPOSITORY
from tiny.coco import write_tiny_coco
from tiny.h36m import RECIPE, write_tiny_h36m
from tiny.pretraining import ROWS

from downstream.registry import BENCHMARKS, finetune_modules, score_modules
from liftedcl.identity.code_digest import WITHOUT_EFFECT, code_of
from liftedcl.identity.recipe import to_json
from liftedcl.methods import encoder_modules
from liftedcl.recipes.data_recipes import Crops
from workflow.layout import Layout
from workflow.params import read_params
from workflow.tables.shown_tables import read_tables

pytestmark = pytest.mark.long

TRACED = """
import runpy, sys, threading

called = set()

def in_function(frame):  # a flag that the bodies of modules and classes lack
    return frame is not None and frame.f_code.co_flags & 1

def note(frame, event, argument):
    part_of_body = frame.f_code.co_name.startswith("<") and not in_function(frame.f_back)  # a comprehension in one
    if event == "call" and in_function(frame) and not part_of_body:
        called.add(frame.f_code.co_filename)

out, module = sys.argv[1:3]
del sys.argv[1:3]
threading.setprofile(note)
sys.setprofile(note)
try:
    runpy.run_module(module, run_name="__main__", alter_sys=True)
finally:
    sys.setprofile(None)
    with open(out, "w") as file:
        file.write("\\n".join(called))
"""
"""Runs a module as `python -m` does, and writes the files whose functions were called."""

PARAMS = read_params(REPOSITORY / "params.yaml", {"tables": {"rows": None, "frozen": []}})
TABLE = read_tables(REPOSITORY / "workflow" / "tables" / "tables.yaml", PARAMS)["table4"]
METHOD = dataclasses.replace(ROWS["liftedcl_in_cc"], start=None)
ENTRY = BENCHMARKS["h36m_3d"]
CROPS = Crops(height=40, width=30, min_keypoints=0, min_side=4.0)


class Job(NamedTuple):
    """One kind of job: the command, its options in a folder that the jobs before it have filled, and its listing."""

    command: str
    options: Callable[[Path], dict[str, Any]]
    modules: tuple[str, ...]


def run_of(folder: Path) -> str:
    return Layout(str(folder)).benchmark("h36m_3d", "random", 0)


def encoder_of(folder: Path) -> str:
    return Layout(str(folder)).encoder("random", 0)


def benchmark(folder: Path, **more: Any) -> dict[str, Any]:
    return {"benchmark": "h36m_3d", "recipe": to_json(RECIPE), "data": folder / "h36m", **more}


def lifting(folder: Path, **more: Any) -> dict[str, Any]:
    run = Path(encoder_of(folder))
    return {"recipe": to_json(METHOD), "encoder": run / "encoder.pt", "heads": run / "heads.pt", **more}


def table(folder: Path) -> dict[str, Any]:
    row = next(row for row in TABLE.rows if row.encoder == "random")
    one = dataclasses.replace(TABLE, rows=(row,), baseline=row.name, differences=())
    return {"table": to_json(one), "profile": "tiny", "seeds": 0, "runs": folder, "out": folder / "table.csv"}


JOBS = {
    "crops": Job(
        "liftedcl.crops",
        lambda folder: {
            "recipe": to_json(CROPS),
            "coco": folder / "coco", "split": "train", "out": folder / "crops.npy", "sheet": folder / "sheet.png",
        },
        ("liftedcl.crops",),
    ),
    "pretrain": Job(
        "liftedcl.pretrain",
        lambda folder: {
            "recipe": to_json(METHOD), "images": folder / "crops.npy", "skeletons": folder / "skeletons.npy",
            "out": encoder_of(folder),
        },
        encoder_modules("liftedcl"),
    ),
    "measure lifting": Job(
        "downstream.lifting",
        lambda folder: lifting(
            folder, crops=to_json(CROPS), skeletons=to_json(PARAMS.skeletons), data=folder / "h36m",
            out=Layout(str(folder)).lifting("random", 0),
        ),
        ("downstream.lifting",),
    ),
    "lifted figure": Job(
        "liftedcl.lifted_figure",
        lambda folder: lifting(
            folder, images=folder / "crops.npy", scores=Layout(str(folder)).lifting("random", 0),
            out=folder / "figure5.png",
        ),
        ("liftedcl.lifted_figure",),
    ),
    "lifting table": Job(
        "workflow.lifting",
        lambda folder: {
            "rows": "random", "seeds": 0, "profile": "tiny", "runs": folder, "out": folder / "lifting.csv",
        },
        ("workflow.lifting",),
    ),
    "train": Job(
        "downstream.finetune",
        lambda folder: benchmark(
            folder, encoder=f"{encoder_of(folder)}/encoder.pt", backbone=METHOD.backbone, out=run_of(folder)
        ),
        finetune_modules("h36m_3d"),
    ),
    "score": Job(
        "downstream.score",
        lambda folder: benchmark(folder, run=run_of(folder), out=f"{run_of(folder)}/metrics.json"),
        score_modules("h36m_3d"),
    ),
    "draw": Job(
        "downstream.draw",
        lambda folder: benchmark(folder, run=run_of(folder), out=folder / "examples.png"),
        ("downstream.draw", ENTRY.module("drawings")),
    ),
    "reference": Job(
        "downstream.reference",
        lambda folder: benchmark(folder, out=Layout(str(folder)).reference("h36m_3d")),
        ("downstream.reference", ENTRY.module("reference")),
    ),
    "table": Job("workflow.tables", table, ("workflow.tables.__main__",)),
}  # fmt: skip


@pytest.fixture(scope="module")
def called(tmp_path_factory) -> dict[str, set[str]]:
    """Job -> modules of this project whose functions it called. Each job reads what the jobs before it made."""
    folder = tmp_path_factory.mktemp("jobs")
    write_tiny_coco(folder / "coco")
    write_tiny_h36m(folder / "h36m")
    skeletons = np.random.default_rng(0).normal(size=(50, 17, 3)).astype(np.float32)
    np.save(folder / "skeletons.npy", skeletons - skeletons[:, :1])
    found = {}
    for name, job in JOBS.items():
        words = [word for key, value in job.options(folder).items() for word in (f"--{key}", str(value))]
        command = [sys.executable, "-c", TRACED, str(folder / "called.txt"), job.command, *words]
        ran = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
        assert ran.returncode == 0, ran.stderr
        paths = [Path(path) for path in (folder / "called.txt").read_text().splitlines()]
        ours = [path.relative_to(REPOSITORY) for path in paths if path.is_relative_to(REPOSITORY)]
        ours = [path for path in ours if path.parts[0] != ".venv"]
        found[name] = {".".join(path.with_suffix("").parts).removesuffix(".__init__") for path in ours}
    return found


@pytest.mark.parametrize("kind", JOBS)
def test_every_module_that_ran_is_listed_or_named_with_a_reason(kind, called):
    job = JOBS[kind]
    listed = {entry.split("=")[0] for entry in code_of(*job.modules).split(" ")}
    assert called[kind] & {job.command, f"{job.command}.__main__"}
    missing = called[kind] - listed - set(WITHOUT_EFFECT)
    assert not missing


def test_rules_list_the_module_that_they_run():
    """A package's name alone would list nothing of what ``python -m`` of it runs."""
    count = 0
    for path in (REPOSITORY / "workflow" / "rules").glob("*.smk"):
        for rule in re.split(r"\n *(?:use )?rule\b", path.read_text()):
            listed, ran = re.search(r'code_of\("([\w.]+)"', rule), re.search(r"shell:.*?-m ([\w.]+)", rule, re.DOTALL)
            if listed and ran:
                package = REPOSITORY.joinpath(*ran[1].split(".")).is_dir()
                assert listed[1] == (f"{ran[1]}.__main__" if package else ran[1]), path
                count += 1
    assert count > 10
