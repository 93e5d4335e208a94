"""``python -m workflow.compare A B``: what differs along the chains of two cells, rows, runs or commits."""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from liftedcl.identity.errors import InputError, run_cli
from workflow.compare.chain import Chain, Stage, chain_of_row, chain_of_run
from workflow.compare.commits import code_words, compare_commits, mapping_words
from workflow.tables.recorded_runs import REMEDY


def side_of(named: str, table: Path) -> Chain | None:
    """A run's folder, TABLE.csv:ROW or TABLE.csv:ROW:COLUMN, or a row of ``table``; None for anything else.

    Raises:
        InputError: what it names is missing or damaged.
    """
    if ".csv:" in named:
        file, _, rest = named.partition(".csv:")
        row, _, column = rest.partition(":")
        return chain_of_row(Path(f"{file}.csv"), row, column or None)
    if Path(named).is_dir():
        return chain_of_run(Path(named))
    if named.endswith(".csv"):
        raise InputError(f"{named}: name a row of it as well, such as {named}:random, or {named}:random:MPJPE")
    return chain_of_row(table, named, None) if named.isidentifier() and table.is_file() and _has(table, named) else None


def _has(table: Path, row: str) -> bool:
    with table.open(encoding="utf-8") as lines:
        return any(f",{row}," in line for line in lines)


def compare(first: Chain, second: Chain) -> Iterator[str]:
    """Lines: the scores, and for each training of the two chains what differs."""
    yield f"A: {first.name}"
    yield f"B: {second.name}"
    for name in [name for name in first.scores if name in second.scores]:
        ours, theirs = first.scores[name], second.scores[name]
        yield f"  {name}: {ours:.4g} -> {theirs:.4g} ({theirs - ours:+.3g})"
    for name in dict.fromkeys([*first.stages, *second.stages]):
        ours, theirs = first.stages.get(name), second.stages.get(name)
        if ours is None or theirs is None:
            only = ours or theirs
            yield f"{name}: only {'A' if theirs is None else 'B'} has one, {only.run}"
            continue
        yield f"{name}: {ours.run}" + ("" if ours.run == theirs.run else f" | {theirs.run}")
        yield from (f"  {line}" for line in _stage(ours, theirs))


def _stage(first: Stage, second: Stage) -> Iterator[str]:
    if first.record is None or second.record is None:
        yield "not run to its end"
        return
    ours, theirs = first.record, second.record
    yield f"inputs: {code_words(_mapping(first, 'inputs'), _mapping(second, 'inputs'))}"
    for key in ("recipe", "packages", "hardware"):
        yield f"{key}: {mapping_words(_mapping(first, key), _mapping(second, key))}"
    if ours.get("code") == theirs.get("code"):
        yield "code: the same"
    else:
        before, now = first.modules(), second.modules()
        known = bool(before) and bool(now)
        yield f"code: {code_words(before, now) if known else 'differs; its modules are not recorded here'}"
    for key in ("seed", "commit", "wall_seconds"):
        if ours.get(key) != theirs.get(key):
            yield f"{key}: {ours.get(key)} -> {theirs.get(key)}"


def _mapping(stage: Stage, key: str) -> dict[str, Any]:
    """What a run's record has under ``key``. Raises `InputError` for what is none."""
    found = stage.record.get(key) or {}
    if not isinstance(found, dict):
        raise InputError(f"{stage.run}: its record of a run is damaged: {key} is {found!r}; {REMEDY}")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m workflow.compare",
        description="Say what differs between two cells, rows, runs or commits, and by how much their scores do.",
        epilog="example: python -m workflow.compare results/table4.csv:random:MPJPE runs/demo/h36m_3d/moco_v2_in/seed0",
    )
    what = "a row, TABLE.csv:ROW[:COLUMN], a run's folder, or a commit"
    parser.add_argument("first", metavar="A", help=what)
    parser.add_argument("second", metavar="B", help=what)
    parser.add_argument("--table", type=Path, default=Path("results/table4.csv"), help="of rows (default: %(default)s)")
    parser.add_argument("--profile", help="of two commits' params.yaml (default: the files')")
    arguments = parser.parse_args()
    sides = [side_of(named, arguments.table) for named in (arguments.first, arguments.second)]
    if None not in sides:
        print(*compare(*sides), sep="\n")
        return
    if sides != [None, None]:
        other = arguments.first if sides[0] is None else arguments.second
        raise InputError(f"{other}: is no run's folder, table or row of {arguments.table}, and the other side is one")
    print(*compare_commits(arguments.first, arguments.second, arguments.profile), sep="\n")


if __name__ == "__main__":
    run_cli(main)
