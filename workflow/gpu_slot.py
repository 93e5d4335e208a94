"""Run a command on GPUs of this machine that no other such command uses:  python -m workflow.gpu_slot COUNT COMMAND...

Snakemake counts GPUs but assigns none. Here each GPU has a lock file, and the lock is released when the command's
processes end, however they end. If Slurm has assigned exactly as many GPUs as the command asks for, or if there is no
GPU, the command simply runs.
"""

import contextlib
import fcntl
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO
from urllib.parse import quote

from liftedcl.identity.errors import InputError, run_cli

_SECONDS_BETWEEN_TRIES = 0.2
_USAGE = "usage: python -m workflow.gpu_slot COUNT COMMAND..., such as: gpu_slot 1 python -m downstream.finetune"


def gpus_here() -> tuple[str, ...]:
    """Names of the GPUs that commands share: those of CUDA_VISIBLE_DEVICES if it is set, else all of the machine."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return tuple(dict.fromkeys(name.strip() for name in visible.split(",") if name.strip()))
    if shutil.which("nvidia-smi"):
        listed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, check=False).stdout
        return tuple(re.findall(r"^GPU (\d+):", listed, flags=re.MULTILINE))
    return tuple(str(number) for number in range(len(list(Path("/proc/driver/nvidia/gpus").glob("*")))))


def claim(count: int, pool: Sequence[str], folder: Path) -> list[str]:
    """Wait for ``count`` free GPUs of ``pool``, and hold them until this process and its children have ended.

    ``folder`` holds the locks; all jobs that share GPUs use the same one.

    Raises:
        InputError: the pool is smaller than ``count``, or others can write to ``folder``.
    """
    if count > len(pool):
        raise InputError(
            f"params.yaml: compute.gpus: a job asks for {count} GPUs, but there are {len(pool)} here "
            f"({', '.join(pool)}); lower it, or let CUDA_VISIBLE_DEVICES name more"
        )
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    about = folder.lstat()  # anyone may have made it before, in the common temporary folder
    if not stat.S_ISDIR(about.st_mode) or about.st_uid != os.getuid() or about.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise InputError(
            f"{folder}: not a folder that only you can write to, so others could misuse the locks in it; remove it, or "
            "set TMPDIR to a folder of your own"
        )
    held = _try_to_hold(count, pool, folder)
    if not held:
        print(f"waiting for {count} of {len(pool)} GPUs to be free", flush=True)
    while not held:
        time.sleep(_SECONDS_BETWEEN_TRIES)
        held = _try_to_hold(count, pool, folder)
    return held


def _try_to_hold(count: int, pool: Sequence[str], folder: Path) -> list[str]:
    """``count`` free GPUs, all or none: two jobs that each held a half would wait for one another."""
    with contextlib.ExitStack() as given_up, _lock(folder / "choosing") as choosing:
        fcntl.flock(choosing, fcntl.LOCK_EX)
        held = []
        for name in pool:
            file = f"gpu-{quote(name, safe='', errors='surrogateescape')}"  # each GPU has a lock of its own
            lock = given_up.enter_context(_lock(folder / file))
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                held.append((name, lock))
            if len(held) == count:
                for _, taken in held:
                    os.set_inheritable(os.dup(taken.fileno()), True)  # a lock lives as long as any copy is open
                return [name for name, _ in held]
    return []


def _lock(path: Path) -> IO[str]:
    """Open a lock file, which is made if it is not there. A link is not followed, and no content is removed."""
    try:
        return open(path, "a", opener=lambda name, flags: os.open(name, flags | os.O_NOFOLLOW, 0o600))
    except OSError as error:
        raise InputError(f"{path}: can't be the lock of a GPU ({error.strerror}); remove it") from None


def main() -> None:
    if len(sys.argv) < 3 or not sys.argv[1].isdecimal():
        raise InputError(_USAGE)
    count, command = int(sys.argv[1]), sys.argv[2:]
    pool, allocation = gpus_here(), os.environ.get("SLURM_JOB_ID")
    if count and pool and not (allocation and count == len(pool)):
        # Slurm may number each allocation's GPUs from 0, so equal names in two of them are no conflict.
        owner = "-".join(filter(None, (str(os.getuid()), allocation)))
        os.environ["CUDA_VISIBLE_DEVICES"] = ",".join(
            claim(count, pool, Path(tempfile.gettempdir(), f"liftedcl-gpus-{owner}"))
        )
    try:
        os.execvp(command[0], command)
    except FileNotFoundError:
        raise InputError(f"{command[0]}: no such command; {_USAGE}") from None


if __name__ == "__main__":
    run_cli(main)
