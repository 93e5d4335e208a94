"""The hours left: what a running training says, and what trainings of its kind took, or are estimated to take."""

import ast
import json
import statistics
from collections.abc import Iterable
from pathlib import Path

from workflow.planned_job import PlannedJob
from workflow.status.job_state import DONE, JobState, is_training

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
    typical = {kind: statistics.median(seconds) for kind, seconds in took.items()}
    estimated = json.loads(_ESTIMATED.read_text(encoding="utf-8")) if profile == "paper" else {}
    total, unknown = 0.0, 0
    for of in (of for of in states if of.state != DONE):
        hours = estimated.get(of.job.wildcards.get("run") or f"encoders/{of.job.wildcards['row']}")
        alike = (typical.get(_kind(of.job)), hours and 3600 * hours, typical.get(of.job.rule))
        guesses = (of.seconds_left, *alike, _recorded(of.job))  # the last is of a stale one's earlier run
        seconds = next((guess for guess in guesses if guess is not None), None)
        total, unknown = total + (seconds or 0), unknown + (seconds is None)
    return total / 3600, unknown


def _kind(job: PlannedJob) -> str:
    """What trainings that take about as long have in common: benchmark and variant, or method, images and backbone."""
    if run := job.wildcards.get("run"):
        return run
    recipe = json.loads(ast.literal_eval(job.params["recipe"]))
    return f"{recipe.get('method')} {recipe.get('images')} {recipe.get('backbone')}"


def _recorded(job: PlannedJob) -> float | None:
    """Seconds that a finished training took; None if its record is damaged."""
    try:
        return float(json.loads(Path(job.folder, "provenance.json").read_bytes())["wall_seconds"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
