"""``python -m workflow.compare A B``: what differs along the chains of two cells, rows or commits."""

import argparse
from pathlib import Path

from liftedcl.identity.errors import InputError, run_cli
from workflow.compare.commits import compare_commits
from workflow.compare.rows import Side, compare, read_side


def side_of(named: str) -> Side | None:
    """What TABLE.csv:ROW or TABLE.csv:ROW:COLUMN names; None for anything else.

    Raises:
        InputError: the table is missing or damaged, or has no such row or column.
    """
    if named.endswith(".csv"):
        raise InputError(f"{named}: name a row of it as well, such as {named}:random, or {named}:random:MPJPE")
    file, is_row, rest = named.partition(".csv:")
    row, _, column = rest.partition(":")
    return read_side(Path(f"{file}.csv"), row, column or None) if is_row else None


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m workflow.compare",
        description="Say what differs between two rows, cells or commits, and by how much their scores do.",
        epilog="example: python -m workflow.compare results/table4.csv:random:MPJPE results/table4.csv:mine:MPJPE",
    )
    parser.add_argument("first", metavar="A", help="TABLE.csv:ROW, TABLE.csv:ROW:COLUMN, or a commit")
    parser.add_argument("second", metavar="B", help="the same, of the same kind")
    parser.add_argument("--profile", help="of two commits' params.yaml (default: the files')")
    arguments = parser.parse_args()
    named = (arguments.first, arguments.second)
    sides = [side for side in map(side_of, named) if side is not None]
    if len(sides) == 1:
        raise InputError(f"{' and '.join(named)}: are not of one kind; compare two rows or cells, or two commits")
    print(*(compare(*sides) if sides else compare_commits(*named, arguments.profile)), sep="\n")


if __name__ == "__main__":
    run_cli(main)
