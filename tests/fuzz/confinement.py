"""Keeps this process in a folder: limits that the system enforces, and an audit of what Python asks the system for."""

import os
import resource
import signal
import sys
import tempfile
from pathlib import Path
from typing import Any

_STARTS_SOMETHING = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "socket.connect", "pty.spawn")
_CHANGES = {"os.remove": 1, "os.rename": 2, "os.rmdir": 1, "os.mkdir": 1, "os.link": 2, "os.symlink": 2, "os.chmod": 1,
            "os.chown": 1, "os.truncate": 1, "os.utime": 1}  # fmt: skip
"""Audited events that change files -> how many of their first arguments are paths; the last one may be a folder."""


def confine(folder: Path, memory: int) -> None:
    """End every try of this process to write outside ``folder``, or to start another program than git.

    Args:
        folder: where it may write.
        memory: bytes that it may take, beyond what it holds already.
    """
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)  # its threads didn't survive the fork
    os.environ["OMP_NUM_THREADS"] = "1"
    sys.dont_write_bytecode, tempfile.tempdir = True, str(folder)
    held = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (held + memory, resource.RLIM_INFINITY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    allowed = str(folder.resolve())

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        started = os.path.basename(str(arguments[0])) if event in _STARTS_SOMETHING else "git"
        if started != "git":  # provenance asks for the commit
            raise EscapeError(f"{event}{arguments[:2]}")
        if event == "open" and isinstance(arguments[0], str | bytes | os.PathLike):
            writes = arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC)
            paths = arguments[:1] if writes else ()
        else:
            paths = arguments[: _CHANGES.get(event, 0)]
        for path in paths:
            if isinstance(path, str | bytes | os.PathLike):
                last = arguments[-1] if event in _CHANGES else None
                base = f"/proc/self/fd/{last}" if type(last) is int and last >= 0 else "."
                place = os.path.realpath(os.path.join(base, os.path.dirname(os.fsdecode(path))))
                if not f"{place}/".startswith(f"{allowed}/") and os.fsdecode(path) != os.devnull:
                    raise EscapeError(f"{event} of {os.fsdecode(path)}")

    sys.addaudithook(watch)


class EscapeError(BaseException):
    """A try to do what no reader has to do. Not an `Exception`, so that no reader takes it for a damaged file."""
