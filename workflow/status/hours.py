"""The hours left: what a running training says, and what trainings of its kind took, or are estimated to take."""

import ast
import json
import statistics
from collections.abc import Iterable
from pathlib import Path

from workflow.planned_job import PlannedJob
from workflow.status.job_state import DONE, JobState, folder_of, is_training

_ESTIMATED = Path(__file__).with_name("gpu_hours.json")
"""``encoders/ROW``, or benchmark and variant -> GPU hours in the profile paper, of ``benchmarks.gpu_hours --out``."""


def hours_left(states: Iterable[JobState], profile: str) -> tuple[float, int]:
    """Hours of one job after another for all trainings that aren't done, and how many of those nothing is known of."""
    states = [of for of in states if is_training(of.job)]
    took: dict[str, list[float]] = {}
    for of in states:
        if of.state == DONE and (seconds := _recorded(of.job)) is not None:
            for kind in (_kind(of.job), of.job.rule):
                took.setdefault(kind, []).append(seconds)
    estimated = json.loads(_ESTIMATED.read_text(encoding="utf-8")) if profile == "paper" and _ESTIMATED.exists() else {}
    hours, unknown = 0.0, 0
    for of in (of for of in states if of.state != DONE):
        if (left := of.seconds_left) is not None:
            hours += left / 3600
        elif (alike := took.get(_kind(of.job))) is not None:
            hours += statistics.median(alike) / 3600
        elif (known := estimated.get(of.job.wildcards.get("run") or f"encoders/{of.job.wildcards['row']}")) is not None:
            hours += known
        elif of.job.rule in took:
            hours += statistics.median(took[of.job.rule]) / 3600
        else:
            unknown += 1
    return hours, unknown


def _kind(job: PlannedJob) -> str:
    """What trainings that take about as long have in common: benchmark and variant, or method, images and backbone."""
    if run := job.wildcards.get("run"):
        return run
    recipe = json.loads(ast.literal_eval(job.params["recipe"]))
    return f"{recipe.get('method')} {recipe.get('images')} {recipe.get('backbone')}"


def _recorded(job: PlannedJob) -> float | None:
    """Seconds that a finished training took."""
    try:
        about = json.loads(Path(folder_of(job), "provenance.json").read_bytes())
        return float(about["wall_seconds"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
