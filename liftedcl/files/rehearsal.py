"""Reading a file that can end a reader: it is read in a forked process first, whose death becomes one line.

A damaged .mat file ends scipy with a segmentation fault, and some hundred bytes of a pickle can ask for any amount of
time or memory before anything in them is run. Reading is deterministic: what ends well there ends well here.
"""

import contextlib
import os
import resource
import signal
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from liftedcl.files.atomic import require_file
from liftedcl.identity.errors import InputError

_SECONDS, _SECONDS_PER_MB = 4, 5
"""Processor time for a file: what the readers need on a slow machine, many times over."""
_PATIENCE = 30
"""Times that by the clock, since a machine may be busy; a reader that waits for something uses no processor time."""
_BYTES, _PER_BYTE = 1 << 30, 40
"""Memory for a file, beyond what this process holds already, and that again for each of its bytes."""


def rehearse(read: Callable[[], Any], path: str | Path, remedy: str) -> None:
    """Run ``read``, which reads ``path``, in a forked process with limits on time and memory. Its result is dropped.

    An error that it raises is dropped too, for this process then meets it itself, except for a lack of memory. Call it
    before threads are at work: what locks they hold at the fork nobody releases in the forked process.

    Raises:
        InputError: ``path`` is no file; or reading it died or didn't end, or took more time or memory than a file of
            this size needs. The message ends with ``remedy``.
    """
    require_file(path, remedy)
    megabytes = os.stat(path).st_size / 1e6
    seconds = int(_SECONDS + _SECONDS_PER_MB * megabytes)
    with warnings.catch_warnings():  # Python warns of threads, of idle ones too
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        _try(read, seconds, int(_BYTES + _PER_BYTE * megabytes * 1e6))
    try:
        status = os.waitpid(child, 0)[1]
    except BaseException:  # an interrupt must not leave it behind
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        raise
    if os.WIFSIGNALED(status):
        name = signal.Signals(os.WTERMSIG(status)).name
        if name == "SIGALRM":
            raise InputError(
                f"{path}: reading it did not end within {_PATIENCE * seconds} s; if the machine was very busy, run the "
                f"same command again, and if not, the file is damaged, or its disk doesn't answer; {remedy}"
            )
        ends = {"SIGXCPU": f"more than {seconds} s of processor time", "SIGKILL": "a killed reader"}
        raise InputError(f"{path}: reading it ends in {ends.get(name, name)}, so it is damaged; {remedy}")
    if os.WEXITSTATUS(status):
        raise InputError(f"{path}: asks for far more memory than its size explains, so it is damaged; {remedy}")


def _try(read: Callable[[], Any], seconds: int, size: int) -> None:
    """The forked process: ends with status 1 for a lack of memory, and else with 0."""
    status = 0
    try:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGXCPU, signal.SIGALRM, signal.SIGSEGV):
            signal.signal(number, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        _lower(resource.RLIMIT_CPU, seconds)
        signal.alarm(_PATIENCE * seconds)
        held = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        _lower(resource.RLIMIT_AS, held + size)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # whatever a dying library says
        read()
    except MemoryError:
        status = 1
    except BaseException:
        pass
    finally:
        os._exit(status)


def _lower(limit: int, value: int) -> None:
    """Lower a limit, as far as the one that is set already allows."""
    hard = resource.getrlimit(limit)[1]
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(limit, (value, hard))
