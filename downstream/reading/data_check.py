"""The report of a data set's ``check`` command: what is there, what is missing, and what doesn't match."""

import argparse
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from liftedcl.identity.errors import InputError

_LINES = 50
"""Faults of one file or folder that a report lists; the others are counted."""


@dataclass(frozen=True)
class Finding:
    """One line of a report. ``state``: ok, missing, differs (from what the official release has), or broken."""

    state: str
    text: str


def count_finding(what: str, found: int, expected: int | None) -> Finding:
    """``found`` things against the official release's number of them; None where that isn't known."""
    if found == 0:
        return Finding("missing", f"{what}: none")
    if expected is None or found == expected:
        return Finding("ok", f"{what}: {found:,}")
    return Finding("differs", f"{what}: {found:,}, the official release has {expected:,}")


def problem(error: InputError) -> Finding:
    """A reader's error as a finding; a line for each fault, where the error knows of several."""
    lines = getattr(error, "problems", [str(error)])
    state = "missing" if all(": not found" in line for line in lines) else "broken"
    if len(lines) > _LINES:
        lines = [*lines[:_LINES], f"and {len(lines) - _LINES:,} more faults"]
    return Finding(state, "\n           ".join(lines))


def tried(what: str, read: Callable[[], str]) -> Finding:
    """Whether ``read`` succeeds on ``what``; it returns a few words about what it found."""
    try:
        return Finding("ok", f"{what}: {read()}")
    except InputError as error:
        return problem(error)


def report(title: str, findings: Iterable[Finding]) -> None:
    """Print the findings as they come; exit with status 1 when something is missing or broken."""
    print(title)
    states = set()
    for finding in findings:
        states.add(finding.state)
        print(f"  {finding.state:<8} {finding.text}", flush=True)
    if states & {"missing", "broken"}:
        print("not complete: docs/data.md says where everything comes from")
        sys.exit(1)
    print("complete" + (", though not the official release" if "differs" in states else ""))


def check_command(name: str, title: str, check: Callable[[Path], Iterable[Finding]], seen: str) -> None:
    """The command line of a data set that can be checked and nothing else; ``seen`` is what a check says of it."""
    parser = argparse.ArgumentParser(prog=f"python -m downstream.{name}", description=f"{title}: check the data.")
    add = parser.add_subparsers(dest="command", required=True).add_parser("check", help=seen)
    add.add_argument("--data", type=Path, required=True, help=f"folder of the data set (docs/data/{name}.md)")
    arguments = parser.parse_args()
    report(f"{title} in {arguments.data}", check(arguments.data))


def percent(value: float | None) -> str:
    """A score as commands print it: two decimals, or ``-`` where there is nothing to score."""
    return "-" if value is None else f"{value:.2f}"
