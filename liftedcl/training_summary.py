"""What the histories of several pre-trainings say: did each loss fall, did a critic win, did the features collapse?"""

import argparse
from collections.abc import Iterator
from pathlib import Path

from liftedcl.engine.history import read_history
from liftedcl.files.atomic import write_text
from liftedcl.identity.errors import InputError, run_cli

NOT_LEARNT = "DID NOT LEARN"
ADVERSARIAL = "encoder/adv"
CRITIC = "critic/lsgan"
CRITIC_WON = 0.05
FOOLS_NOBODY = 0.4
"""Below this loss a critic is right about nearly every skeleton; above this term (1: always found out) so it is."""
ONE_POINT = 0.99
"""Features of different images with a mean cosine above this are all but equal."""


def problems(rows: list[dict[str, float]]) -> Iterator[str]:
    """What is wrong with a pre-training, from its history; nothing if it learnt.

    The loss that has to fall is the sum of the encoder's terms but the one against the critic, which is a game.
    """
    first, last = rows[0], rows[-1]
    own = [name for name in first if name.startswith("encoder/") and name != ADVERSARIAL]
    before, after = (sum(row[name] for name in own) for row in (first, last))
    if own and not after < before:
        yield f"its loss did not fall ({before:.3f} in the first epoch, {after:.3f} in the last)"
    if {CRITIC, ADVERSARIAL} <= last.keys() and last[CRITIC] <= CRITIC_WON and last[ADVERSARIAL] >= FOOLS_NOBODY:
        yield f"the critic has won (its loss {last[CRITIC]:.3f}, the encoder's {last[ADVERSARIAL]:.3f})"
    if not last.get("features/mean_cosine", 0.0) < ONE_POINT:
        yield f"its features are one point (mean cosine {last['features/mean_cosine']:.3f})"


def summary(histories: list[Path]) -> str:
    """One line for each ``history.csv``: the first and the last value of each column, and whether the run learnt.

    Raises:
        InputError: a history is missing or damaged, or of one epoch, which shows no change.
    """
    lines = []
    for path in histories:
        rows = read_history(path)
        if len(rows) < 2:
            raise InputError(f"{path}: has one epoch, which shows no change; train two or more")
        columns = [column for column in rows[0] if column not in ("epoch", "step")]
        parts = [f"{column.split('/')[-1]} {rows[0][column]:.3f} -> {rows[-1][column]:.3f}" for column in columns]
        found = "; ".join(problems(rows))
        verdict = f"{NOT_LEARNT}: {found}" if found else "learnt"
        name = "/".join(path.resolve().parent.parts[-2:])
        lines.append(f"{name}, {rows[-1]['step']:.0f} steps, {verdict}: {', '.join(parts)}\n")
    return "".join(lines)


def main(words: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m liftedcl.training_summary",
        description="Write the first and the last value of every loss term of pre-trainings, and whether each learnt: "
        "its loss fell, no critic won, and features of different images differ.",
        epilog="example: python -m liftedcl.training_summary runs/demo/encoders/*/seed0/history.csv --out summary.txt",
    )
    parser.add_argument("histories", type=Path, nargs="+", metavar="HISTORY.csv", help="history.csv of a pre-training")
    parser.add_argument("--out", type=Path, required=True, help="the text")
    arguments = parser.parse_args(words)
    write_text(arguments.out, summary(arguments.histories))


if __name__ == "__main__":
    run_cli(main)
