"""Snakemake's lock files outlive a SIGKILL and would keep the next run from starting; here stale ones are removed.

Snakemake writes no process number into them. So every run holds an advisory lock of its own, which the operating
system releases with the process, however it ends: a run that gets this lock knows that no other run is alive.
"""

import fcntl
from pathlib import Path
from typing import IO

from liftedcl.identity.errors import InputError
from workflow.snakemake_internals import LOCKS

_held: list[IO[str]] = []  # open until this process ends


def remove_stale_locks(folder: Path) -> None:
    """Remove the lock files in ``folder`` (Snakemake's ``.snakemake``) that no living run owns.

    If another run is alive, nothing is touched: Snakemake's own check then refuses, with its own message.

    Raises:
        InputError: nothing can be written there.
    """
    try:
        folder.mkdir(exist_ok=True)
        owner = open(folder / "owner", "w")  # noqa: SIM115 held open on purpose
    except OSError as error:
        remedy = "to keep data, runs and results elsewhere: snakemake --directory FOLDER"
        raise InputError(f"{folder.absolute()}: {error.strerror}; {remedy}") from None
    try:
        fcntl.flock(owner, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # another run is alive, or the file system has no locks
        owner.close()
        return
    _held.append(owner)
    for lock in folder.glob(LOCKS):
        lock.unlink(missing_ok=True)
