"""Show histories in TensorBoard: every ``history.csv`` below a folder becomes a run of event files.

Run it again at any time, also while runs are training: it rewrites only the runs whose history has changed.
"""

import argparse
import math
from pathlib import Path

from liftedcl.engine.history import read_history
from liftedcl.files.atomic import sha256_of_file, write_text
from liftedcl.identity.errors import InputError, run_cli

_SOURCE = "history.sha256"
"""Holds the digest of the history from which a run's events were made; written last."""


def write_events(runs: Path, out: Path) -> tuple[list[str], list[str]]:
    """Write the histories below ``runs`` to ``out``/RUN/, one scalar per column and epoch at its step.

    Returns:
        The runs that were written and those that were up to date; a run's name is its folder's path below ``runs``.

    Raises:
        InputError: there is no history, a history is damaged, or TensorBoard isn't installed.
    """
    histories = sorted(runs.rglob("history.csv"))
    if not histories:
        raise InputError(f"{runs}: no history.csv in or below it; name a folder of runs, such as runs/demo")
    try:
        from torch.utils.tensorboard import SummaryWriter  # takes seconds
    except ImportError:
        raise InputError("tensorboard: not installed; install it with pip install tensorboard") from None
    written, up_to_date = [], []
    for history in histories:
        name = history.parent.relative_to(runs).as_posix()
        folder, digest = out / name, sha256_of_file(history)
        source = folder / _SOURCE
        if source.is_file() and source.read_text(encoding="utf-8").strip() == digest:
            up_to_date.append(name)
            continue
        rows = read_history(history)
        for events in folder.glob("events.out.tfevents.*"):
            events.unlink()
        wall_time = history.stat().st_mtime  # a history holds no times; TensorBoard's axis is the step
        with SummaryWriter(str(folder)) as writer:
            for row in rows:
                for column, value in row.items():
                    if column != "step" and not math.isnan(value):
                        writer.add_scalar(column, value, global_step=int(row["step"]), walltime=wall_time)
        write_text(source, digest + "\n")
        written.append(name)
    return written, up_to_date


def main(words: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m liftedcl.tensorboard",
        description="Turn every history.csv below a folder into TensorBoard event files. Run it again to bring them up "
        "to date.",
        epilog="example: python -m liftedcl.tensorboard runs/demo && tensorboard --logdir runs/demo/tensorboard",
    )
    parser.add_argument("runs", type=Path, metavar="RUNS", help="a folder of runs, such as runs/demo")
    parser.add_argument("--out", type=Path, help="where the event files go (default: RUNS/tensorboard)")
    arguments = parser.parse_args(words)
    out = arguments.out or arguments.runs / "tensorboard"
    written, up_to_date = write_events(arguments.runs, out)
    print(f"{len(written)} runs written, {len(up_to_date)} up to date: tensorboard --logdir {out}")


if __name__ == "__main__":
    run_cli(main)
