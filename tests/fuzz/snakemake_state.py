"""What Snakemake and this project remember of finished jobs, and what a plan is made from, as subjects."""

import contextlib
import io
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
from fuzz.subject import Subject
from repository import TINY, copy_to

from liftedcl.identity.errors import InputError
from workflow.gpu_slot import claim, gpus_here
from workflow.job_records import NAME, restore, save
from workflow.snakemake_internals import FOLDER, KEPT, Records
from workflow.why.__main__ import main as why

_MADE, _RUNS, _SEEN = "runs/demo/skeletons.npy", Path("runs/demo"), f"{FOLDER}/job_records_seen.json"
_JOBS, _VISIBLE = f"{_RUNS}/{NAME}", "visible.txt"
_PARAMS, _TABLES, _TINY = "params.yaml", "workflow/tables/tables.yaml", TINY[1]


def _finished_job(root: Path) -> None:
    """An output, and what Snakemake and `job_records` know of it."""
    path = root / _MADE
    path.parent.mkdir(parents=True)
    np.save(path, np.zeros(3))
    about = {"rule": "sample_skeletons", "code": "a command", "params": ["'a recipe'"], "log": [], "input": []}
    Records(root).write(_MADE, dict.fromkeys(KEPT) | about | {"input_checksums": {}}, path.stat().st_mtime)
    save(_RUNS, [root], root)


def _repository(root: Path) -> None:
    shutil.copytree(copy_to(root / "copy"), root, dirs_exist_ok=True)
    shutil.rmtree(root / "copy")
    _finished_job(root)


def _elsewhere(root: Path) -> Path:
    """The folder as another one, in ``out``, where Snakemake may write; what it only reads is linked."""
    place = root / "out/copy"
    place.mkdir(parents=True)
    for path in root.iterdir():
        if path.name in (str(FOLDER), "runs"):
            shutil.copytree(path, place / path.name)
        elif path.name != "out":
            (place / path.name).symlink_to(path)
    return place


def _restored(root: Path) -> Any:
    place = _elsewhere(root)
    found = restore(place)
    jobs = save(_RUNS, [place], place)
    return found, [(job.record, job.outputs) for job in jobs]


def _plan(root: Path) -> str:
    """What would run, in words. Snakemake says what is wrong in words of its own around ours."""
    place, said, wrong = _elsewhere(root), io.StringIO(), io.StringIO()
    argv = mock.patch.object(sys, "argv", ["why", _MADE, "results/figure7.png", *TINY])
    with contextlib.chdir(place), mock.patch.dict(os.environ), mock.patch.object(sys, "path", [*sys.path]), argv:
        try:
            with contextlib.redirect_stdout(said), contextlib.redirect_stderr(wrong):
                why()
        except SystemExit as end:
            if end.code == 1 and wrong.getvalue().strip() and "Traceback" not in wrong.getvalue():
                raise InputError(wrong.getvalue()) from None
            raise AssertionError(f"exit status {end.code}: {wrong.getvalue()[-400:]}") from None
    return said.getvalue() + wrong.getvalue()


def _visible(root: Path) -> None:
    (root / _VISIBLE).write_text("0,1,GPU-8f2a")


def _claimed(root: Path) -> list[str]:
    text = (root / _VISIBLE).read_bytes().replace(b"\0", b"").decode(errors="surrogateescape")
    (root / "out").mkdir(exist_ok=True)
    with mock.patch.dict(os.environ, CUDA_VISIBLE_DEVICES=text):
        return claim(2, gpus_here(), Path(tempfile.mkdtemp(dir=root / "out")))


SNAKEMAKE_STATE = (
    Subject("job_records", _finished_job, (_JOBS, _SEEN, _MADE), _restored, keeps=True),
    Subject("why", _repository, (_PARAMS, _TABLES, _TINY, _JOBS), _plan, keeps=True),
    Subject("gpu_slot", _visible, (_VISIBLE,), _claimed, keeps=True),
)
