"""How commands fail: a user's mistake gives one line on stderr and a non-zero exit status, not a stack trace."""

import errno
import io
import os
import select
import signal
import sys
from collections.abc import Callable
from typing import TextIO


class InputError(Exception):
    """A mistake that the user can correct. The message names the file or key and the remedy, in one line."""


def run_cli(main: Callable[[], None]) -> None:
    """Run a command's ``main``; report errors that a user can cause in one line on stderr.

    The exit status is 2 for an `InputError`, a full, read-only or failing disk or an unusable path or name, 130 for an
    interrupt and 143 for a termination. Where nobody reads on (``| head``), the command ends without a word, by 141
    unless it has failed. Any other exception is a fault of this project and keeps its stack trace.
    """
    os.environ["MPLBACKEND"] = "agg"  # figures are files here, and a notebook's backend may be unknown to this Python
    if isinstance(sys.stdout, io.TextIOWrapper):  # a file's name need not be text, nor a terminal have its letters
        sys.stdout.reconfigure(errors="backslashreplace")
    # As an exception, SIGTERM lets every context manager remove its half-written file.
    signal.signal(signal.SIGTERM, _raise_terminated)
    status = 0
    try:
        main()
        sys.stdout.flush()
    except InputError as error:
        status = _report(str(error), 2)
    except KeyboardInterrupt:
        status = _report("interrupted; run the same command again", 130)
    except _Terminated:
        status = _report("terminated; run the same command again", 143)
    except BrokenPipeError:
        if _is_read(sys.stdout):
            raise
        status = 141
    except OSError as error:
        remedy = _DISK_REMEDIES.get(error.errno)
        if remedy is None:
            raise
        status = _report(f"{error.filename or 'output'}: {error.strerror}; {remedy}", 2)
    except UnicodeEncodeError as error:
        if error.reason != "surrogates not allowed":
            raise
        name = ascii(error.object[max(error.start - 60, 0) : error.end + 60])
        status = _report(f"{name}: a name that is not text in UTF-8; rename that file", 2)
    finally:  # also where argparse has printed its help, and ends the command itself
        written = _write_out()
    status = status or (0 if written else 141)
    if status:
        sys.exit(status)


def _write_out() -> bool:
    """Write what was printed. False if that fails: then Python must not try once more when it ends."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return False
    return True


def _is_read(stream: TextIO) -> bool:
    """Whether ``stream`` is no pipe that nobody reads."""
    watched = select.poll()
    watched.register(stream, select.POLLOUT)
    return not any(event & select.POLLERR for _, event in watched.poll(0))


class _Terminated(BaseException):
    """Raised by SIGTERM; not an `Exception`, so that no handler swallows it."""


_DISK_REMEDIES = {
    errno.ENOSPC: "free some space and run the same command again, nothing is lost",
    errno.EFBIG: "this file system or session limits the size of files, choose another output folder",
    errno.EDQUOT: "free some quota and run the same command again, nothing is lost",
    errno.EROFS: "the file system is read-only, choose another output folder",
    errno.EACCES: "check the permissions of this path",
    errno.EPERM: "the system forbids it (an immutable file, a mount option), choose another path",
    errno.EIO: "the disk or the connection to it fails, look into the system's log before you run this again",
    errno.ENAMETOOLONG: "this name is too long for the file system, choose a shorter one",
    errno.EILSEQ: "the file system takes only names that are text, choose another one",
    errno.ELOOP: "these links lead in a circle, choose another path",
    errno.ENXIO: "this is not a file that can be read, name another one",
    errno.ENOTDIR: "a part of this path is a file where a folder has to be, choose another path",
    errno.EISDIR: "this is a folder where a file has to be, name a file or remove the folder",
    errno.EEXIST: "this is a file where a folder has to be, choose another path or remove the file",
}


def _raise_terminated(signum: int, frame: object) -> None:
    raise _Terminated


def _report(message: str, status: int) -> int:
    print("error: " + " ".join(message.split()), file=sys.stderr, flush=True)
    return status
