"""``python -m workflow.status [TARGET...]``: what is done, running, failed, stale and missing, and the hours left."""

import argparse
from collections import Counter
from collections.abc import Iterator
from html import escape
from pathlib import Path

from liftedcl.files.atomic import write_text
from liftedcl.identity.errors import run_cli
from liftedcl.identity.strict_text import read_yaml
from workflow.command_line import add_plan_arguments, command_line_values, planned_words
from workflow.page.document import document
from workflow.snakemake_internals import FOLDER, OWNER, plan
from workflow.status.hours import hours_left
from workflow.status.job_state import DONE, FAILED, RUNNING, STALE, STATES, JobState, is_held, is_training, state_of
from workflow.tables.recorded_runs import duration

_SHOWN = 12  # jobs of one state that the text names
_CLASSES = {DONE: "agree", FAILED: "disagree", STALE: "noise", RUNNING: "noise"}
"""How the page's style calls the colour of a state."""


def counts(states: list[JobState]) -> str:
    """Such as ``done 12, missing 3``."""
    found = Counter(of.state for of in states)
    return ", ".join(f"{state} {found[state]}" for state in STATES if found[state]) or "nothing to make"


def left(states: list[JobState], profile: str) -> str:
    """The hours left, in words."""
    hours, unknown = hours_left(states, profile)
    said = f"left: about {duration(3600 * hours)} of one training after another"
    return f"{said}, and {unknown} of unknown length" if unknown else said


def text(states: list[JobState], profile: str) -> Iterator[str]:
    """Lines: the numbers; each job that is running, failed, stale or missing, trainings first; the hours left."""
    trainings = [of for of in states if is_training(of.job)]
    yield f"profile {profile}: {len(states)} jobs: {counts(states)}"
    yield f"of these {len(trainings)} trainings: {counts(trainings)}"
    for state in STATES[1:]:
        alike = sorted((of for of in states if of.state == state), key=lambda of: not is_training(of.job))
        for of in alike[:_SHOWN]:
            yield f"  {state:8} {of.job.name}{f': {of.words}' if of.words else f' (rule {of.job.rule})'}"
        if len(alike) > _SHOWN:
            yield f"  {state:8} {len(alike) - _SHOWN} more"
    yield left(states, profile)


def page(states: list[JobState], profile: str) -> str:
    """The same as a page, with every job; those that are done come last."""
    heads = "".join(f'<th scope="col">{name}</th>' for name in ("State", "Run or file", "Rule", "What there is to say"))
    rows = []
    for of in sorted(states, key=lambda of: (STATES.index(of.state) or len(STATES), not is_training(of.job))):
        cells = "".join(f"<td>{escape(text)}</td>" for text in (of.job.name, of.job.rule, of.words))
        rows.append(f'<tr><td class="{_CLASSES.get(of.state, "quiet")}">{of.state}</td>{cells}</tr>')
    parts = [
        f"<h1>Status of profile {escape(profile)}</h1>",
        f"<p>{len(states)} jobs: {counts(states)}.</p><p>{left(states, profile)}.</p>",
        f'<div class="box"><table data-explore aria-label="Jobs"><thead><tr>{heads}</tr></thead>',
        f"<tbody>{''.join(rows)}</tbody></table></div>",
    ]
    return document("Status", parts)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m workflow.status",
        description="Say what `snakemake TARGET...` has made and what not, from the files alone. Nothing is run.",
    )
    add_plan_arguments(parser)
    parser.add_argument("--page", type=Path, metavar="FILE.html", help="write the same as a page, with every job")
    arguments = parser.parse_args()
    values = command_line_values(arguments.configfile, arguments.config)
    alive = is_held(FOLDER / OWNER)  # before the plan, which holds it itself
    states = [state_of(job, alive) for job in plan(planned_words(arguments), done=True) if job.outputs]
    profile = str(values.get("profile") or read_yaml("params.yaml")["profile"])
    print(*text(states, profile), sep="\n")
    if arguments.page:
        write_text(arguments.page, page(states, profile))
        print(f"wrote {arguments.page}")


if __name__ == "__main__":
    run_cli(main)
