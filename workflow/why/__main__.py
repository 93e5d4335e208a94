"""``python -m workflow.why TARGET...``: what ``snakemake TARGET...`` would run, and which change caused it."""

import argparse
from collections import Counter
from collections.abc import Iterator
from pathlib import PurePosixPath

from liftedcl.identity.errors import run_cli
from workflow.command_line import add_plan_arguments, command_line_values, planned_words
from workflow.planned_job import PlannedJob
from workflow.snakemake_internals import plan
from workflow.why.changed_parameters import changed_parameters, listed

_VERBS = {"pretrain": "train"} | {verb: verb for verb in ("train", "score", "draw", "generate", "crop")}
"""By the first word of a rule's name; every other rule makes something."""

_SHOWN = 3  # jobs named of those that the same change concerns


def explain(jobs: list[PlannedJob]) -> Iterator[str]:
    """Lines about planned jobs: those with a cause of their own, then those that only follow, then the numbers."""
    jobs = [job for job in jobs if job.outputs]
    if not jobs:
        yield "Nothing to do."
        return
    alike: dict[tuple[str, ...], list[PlannedJob]] = {}
    followers = [job for job in jobs if not causes(job)]
    for job in (job for job in jobs if causes(job)):
        alike.setdefault((job.rule, *causes(job, row=False)), []).append(job)
    for group in alike.values():
        for job in group[:_SHOWN]:
            yield f"{_what(job)}, because {listed(causes(job))}"
        if len(group) > _SHOWN:
            yield f"and {_jobs(len(group) - _SHOWN)} of rule {group[0].rule} for the same reason"
    for job in (job for job in followers if job.target or not job.made_inputs):
        yield f"{_what(job)}, because {inherited(job)}"
    if others := [job for job in followers if not job.target and job.made_inputs]:
        yield f"and {_jobs(len(others))} that read what these make: {_by_kind(others)}"
    yield f"{_jobs(len(jobs))}: {_by_kind(jobs)}"


def causes(job: PlannedJob, row: bool = True) -> list[str]:
    """A job's own causes; none if it only follows other jobs. See `changed_parameters` for ``row``."""
    if job.outputs[0] in job.missing:
        return ["it is not there"]
    found = [f"{listed([PurePosixPath(path).name for path in job.missing])} is not there"] if job.missing else []
    found += ["its last run did not end"] if job.incomplete else []
    found += changed_parameters(job, row)
    found += ["the command of its rule changed"] if job.command_changed else []
    found += [f"{listed(list(job.edited), shown=2)} changed"] if job.edited else []
    found += [f"it now reads {listed(list(job.added), shown=2)}"] if job.added else []
    found += [f"it no longer reads {listed(list(job.removed), shown=2)}"] if job.removed else []
    return found


def inherited(job: PlannedJob) -> str:
    """Why a job without `causes` of its own would run."""
    if not job.made_inputs:
        return f"Snakemake says: {job.other}"
    first, *others = job.made_inputs
    more = f", and so {'is' if len(others) == 1 else 'are'} {len(others)} more" if others else ""
    return f"its input {first} is made again{more}"


def _what(job: PlannedJob) -> str:
    return f"{job.name}: {_verb(job)}{'' if job.outputs[0] in job.missing else ' again'} (rule {job.rule})"


def _verb(job: PlannedJob) -> str:
    return _VERBS.get(job.rule.split("_")[0], "make")


def _by_kind(jobs: list[PlannedJob]) -> str:
    return ", ".join(f"{count} {verb}" for verb, count in sorted(Counter(map(_verb, jobs)).items()))


def _jobs(count: int) -> str:
    return "1 job" if count == 1 else f"{count} jobs"


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m workflow.why",
        description="Say what `snakemake TARGET...` would run, and which change caused it. Nothing is run.",
        epilog="docs/staleness.md says how to keep results after a change that you know to be harmless.",
    )
    add_plan_arguments(parser)
    arguments = parser.parse_args()
    command_line_values(arguments.configfile, arguments.config)  # Snakemake shows a stack trace of one that is no YAML
    print(*explain(plan(planned_words(arguments))), sep="\n")


if __name__ == "__main__":
    run_cli(main)
