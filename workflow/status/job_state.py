"""The state of one job, from its files alone: so it is the same on the machine that runs it and on any other."""

import ast
import dataclasses
import fcntl
import re
import time
from pathlib import Path

from liftedcl.files.atomic import CLAIM
from workflow.planned_job import PlannedJob
from workflow.why.__main__ import causes
from workflow.why.changed_parameters import listed

DONE, RUNNING, FAILED, STALE, MISSING = "done", "running", "failed", "stale", "missing"
STATES = (DONE, RUNNING, FAILED, STALE, MISSING)

_FRESH = 120.0
"""Seconds within which a running job has written a line; a training does so every ten."""
_TAIL = 4096  # bytes of a log that are read
_LEFT = re.compile(r"(?:(\d+):)?(\d+):(\d\d) left")


@dataclasses.dataclass(frozen=True)
class JobState:
    """A job, its state, and what there is to say of it: why it is stale, or the last line of its log."""

    job: PlannedJob
    state: str
    words: str = ""

    @property
    def name(self) -> str:
        """The run's folder, or the first output of a job that has none."""
        return folder_of(self.job) or self.job.outputs[0]

    @property
    def seconds_left(self) -> float | None:
        """What a running training said last of its time; None if it said nothing of it."""
        said = _LEFT.search(self.words) if self.state == RUNNING else None
        parts = zip(said.groups(), (3600, 60, 1), strict=True) if said else ()
        return sum(int(part or 0) * unit for part, unit in parts) if said else None


def state_of(job: PlannedJob, alive: bool) -> JobState:
    """The state of a job; ``alive`` says whether a run of this folder is alive on this machine."""
    if job.done:
        return JobState(job, DONE)
    log = _newest(job)
    last = _last_line(log)
    failed, there = last.startswith("error: "), Path(job.outputs[0]).exists()
    grows = _fresh(log) and not failed and not there  # a job that runs again has lost its outputs
    if _claimed(job) or grows or (alive and job.begun and log is None):
        return JobState(job, RUNNING, last)
    if not there:
        stopped = log is not None and (failed or job.begun)
        return JobState(job, FAILED if stopped else MISSING, (last or f"{log} is empty") if stopped else "")
    own = causes(job)
    follows = f"its input {job.made_inputs[0]} is made again" if job.made_inputs else job.other
    return JobState(job, STALE, listed(own) if own else follows)


def is_training(job: PlannedJob) -> bool:
    """Whether a job pre-trains or fine-tunes an encoder."""
    return job.rule.startswith(("pretrain", "train_")) and bool(folder_of(job))


def folder_of(job: PlannedJob) -> str:
    """The folder of a run; empty for a job that isn't one."""
    return ast.literal_eval(job.params["folder"]) if "folder" in job.params else ""


def _newest(job: PlannedJob) -> Path | None:
    there = [path for path in map(Path, job.logs) if path.is_file()]
    return max(there, key=lambda path: path.stat().st_mtime, default=None)


def _fresh(log: Path | None) -> bool:
    return log is not None and time.time() - log.stat().st_mtime < _FRESH


def _claimed(job: PlannedJob) -> bool:
    """Whether a process holds the claim on a training's folder (liftedcl/files/atomic.py)."""
    if not is_training(job):
        return False
    try:
        with open(Path(folder_of(job), CLAIM), "rb") as claim:
            fcntl.flock(claim, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # none was made, or the file system has no locks
        return False
    return False


def _last_line(log: Path | None) -> str:
    """The last line of a log that is not empty, without a terminal's signs."""
    if log is None:
        return ""
    with open(log, "rb") as file:
        file.seek(max(log.stat().st_size - _TAIL, 0))
        lines = file.read().decode("utf-8", "replace").replace("\r", "\n").splitlines()
    texts = ["".join(sign for sign in line if sign.isprintable()).strip() for line in lines]
    return next((text for text in reversed(texts) if text), "")
