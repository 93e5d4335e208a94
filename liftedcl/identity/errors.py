"""How commands fail: a user's mistake gives one line on stderr and a non-zero exit status, not a stack trace."""

import errno
import io
import os
import signal
import sys
from collections.abc import Callable


class InputError(Exception):
    """A mistake that the user can correct. The message names the file or key and the remedy, in one line."""


def run_cli(main: Callable[[], None]) -> None:
    """Run a command's ``main``; report errors that a user can cause in one line on stderr.

    The exit status is 2 for an `InputError`, a full or read-only disk or an unusable path, 130 for an interrupt and
    143 for a termination. Any other exception is a fault of this project and keeps its stack trace.
    """
    os.environ["MPLBACKEND"] = "agg"  # figures are files here, and a notebook's backend may be unknown to this Python
    if isinstance(sys.stdout, io.TextIOWrapper):  # a terminal without such a letter still gets the line
        sys.stdout.reconfigure(errors="backslashreplace")
    # As an exception, SIGTERM lets every context manager remove its half-written file.
    signal.signal(signal.SIGTERM, _raise_terminated)
    try:
        main()
    except InputError as error:
        _fail(str(error), 2)
    except KeyboardInterrupt:
        _fail("interrupted; run the same command again", 130)
    except _Terminated:
        _fail("terminated; run the same command again", 143)
    except OSError as error:
        remedy = _DISK_REMEDIES.get(error.errno)
        if remedy is None:
            raise
        _fail(f"{error.filename or 'output'}: {error.strerror}; {remedy}", 2)


class _Terminated(BaseException):
    """Raised by SIGTERM; not an `Exception`, so that no handler swallows it."""


_DISK_REMEDIES = {
    errno.ENOSPC: "free some space and run the same command again, nothing is lost",
    errno.EFBIG: "this file system or session limits the size of files, choose another output folder",
    errno.EDQUOT: "free some quota and run the same command again, nothing is lost",
    errno.EROFS: "the file system is read-only, choose another output folder",
    errno.EACCES: "check the permissions of this path",
    errno.ENOTDIR: "a part of this path is a file where a folder has to be, choose another path",
    errno.EISDIR: "this is a folder where a file has to be, name a file or remove the folder",
    errno.EEXIST: "this is a file where a folder has to be, choose another path or remove the file",
}


def _raise_terminated(signum: int, frame: object) -> None:
    raise _Terminated


def _fail(message: str, status: int) -> None:
    print("error: " + " ".join(message.split()), file=sys.stderr, flush=True)
    sys.exit(status)
