"""Snakemake's lock files outlive a SIGKILL and would refuse the next run; here they go when their owner is dead.

Snakemake writes no process number into them. So every run holds an advisory lock of its own, which the operating
system drops with the process, however it ends: whoever gets it knows that nobody else is at work.
"""

import fcntl
from pathlib import Path
from typing import IO

from workflow.snakemake_internals import LOCKS

_held: list[IO[str]] = []  # open until this process ends


def remove_stale_locks(folder: Path) -> None:
    """Remove the lock files in ``folder`` (Snakemake's ``.snakemake``) that no living run owns.

    Where another run is alive nothing is touched: Snakemake's own check then refuses, with its own message.
    """
    folder.mkdir(exist_ok=True)
    owner = open(folder / "owner", "w")  # noqa: SIM115 held open on purpose
    try:
        fcntl.flock(owner, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # another run is alive, or the file system has no locks
        owner.close()
        return
    _held.append(owner)
    for lock in folder.glob(LOCKS):
        lock.unlink(missing_ok=True)
