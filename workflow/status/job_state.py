"""The state of one job, from its files alone: so it is the same on the machine that runs it and on any other."""

import dataclasses
import fcntl
import re
import time
from pathlib import Path

from liftedcl.files.atomic import CLAIM
from workflow.planned_job import PlannedJob
from workflow.why.__main__ import causes, inherited
from workflow.why.changed_parameters import listed

DONE, RUNNING, FAILED, STALE, MISSING = STATES = ("done", "running", "failed", "stale", "missing")

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
    def seconds_left(self) -> int | None:
        """What a running training said last of its time; None if it said nothing of it."""
        if self.state != RUNNING or (said := _LEFT.search(self.words)) is None:
            return None
        hours, minutes, seconds = (int(part or 0) for part in said.groups())
        return 3600 * hours + 60 * minutes + seconds


def state_of(job: PlannedJob, alive: bool) -> JobState:
    """The state of a job; ``alive`` says whether a run of this folder is alive on this machine."""
    if job.done:
        return JobState(job, DONE)
    log = max(filter(Path.is_file, map(Path, job.logs)), key=lambda path: path.stat().st_mtime, default=None)
    last = _last_line(log) if log else ""
    failed, there = last.startswith("error: "), Path(job.outputs[0]).exists()
    fresh = log is not None and time.time() - log.stat().st_mtime < _FRESH
    grows = fresh and not failed and not there  # a job that runs again has lost its outputs
    claimed = is_training(job) and is_held(Path(job.folder, CLAIM))
    if claimed or grows or (alive and job.begun and log is None):
        return JobState(job, RUNNING, last)
    if there:
        return JobState(job, STALE, listed(causes(job)) or inherited(job))
    if log is not None and (failed or job.begun):
        return JobState(job, FAILED, last or f"{log} is empty")
    return JobState(job, MISSING)


def is_training(job: PlannedJob) -> bool:
    """Whether a job pre-trains or fine-tunes an encoder."""
    return job.rule.startswith(("pretrain", "train_")) and bool(job.folder)


def is_held(lock: Path) -> bool:
    """Whether a process of this machine, or of a file system with locks, holds the advisory lock on a file."""
    try:
        with open(lock, "rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError as error:  # no such file, or no locks here
        return isinstance(error, BlockingIOError)
    return False


def _last_line(log: Path) -> str:
    """The last line of a log that is not empty, without a terminal's signs."""
    with open(log, "rb") as file:
        file.seek(max(log.stat().st_size - _TAIL, 0))
        lines = file.read().decode("utf-8", "replace").splitlines()
    texts = ["".join(filter(str.isprintable, line)).strip() for line in lines]
    return next(filter(None, reversed(texts)), "")
