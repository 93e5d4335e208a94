"""What is fuzzed: a reader or a command, with the tiny files that it takes."""

import contextlib
import importlib
import io
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

from liftedcl.identity.errors import InputError, run_cli


@dataclass(frozen=True)
class Subject:
    """A reader or a command.

    Attributes:
        name: which one.
        make: writes valid input below a new folder.
        damaged: names of the files below it that are damaged, one at a time.
        read: reads that folder and gives a result, or raises `InputError`; writes only below its ``out``.
        sealed: whether the files carry checksums that are verified, so that no flipped bit can give another result.
        slow: whether undamaged input takes seconds.
        keeps: whether a failed command leaves whole files, from which its next run goes on.
    """

    name: str
    make: Callable[[Path], Any]
    damaged: tuple[str, ...]
    read: Callable[[Path], Any]
    sealed: bool = False
    slow: bool = False
    keeps: bool = False


def command(module: str, *words: str, told: bool = True, printed: bool = True) -> Callable[[Path], Any]:
    """A `Subject.read` that calls ``python -m module words`` in this process; ``{}`` in a word is the folder.

    Gives what the command prints, unless that holds times, where it isn't ``printed``, and its outputs. Gives nothing
    unless ``told``, where another report is a word.

    Raises:
        InputError: the command fails as it should: with one line on the standard error, or, as ``check`` does, with a
            report that says what is wrong.
    """
    main = importlib.import_module(module).main

    def read(folder: Path) -> Any:
        given = [word.replace("{}", str(folder)) for word in words]
        out, err = io.StringIO(), io.StringIO()
        argv = mock.patch.object(sys, "argv", [module, *given])
        with argv, contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                run_cli(main)
            except SystemExit as end:
                _check_failure(end, out.getvalue(), err.getvalue())
        said = out.getvalue().replace(str(folder), "") if printed else ""
        return (said, _outputs(folder / "out")) if told else None

    return read


def _check_failure(end: SystemExit, out: str, err: str) -> None:
    """Raise `InputError` if a command fails with a word about it."""
    lines = [line for line in err.splitlines() if line.startswith("error: ")]
    report = end.code == 1 and not lines and out.splitlines()[-1:] == [_REPORT_ENDS]
    if not report and (end.code == 0 or len(lines) != 1 or "Traceback" in err):
        raise AssertionError(f"exit status {end.code}, and on the standard error: {err[-400:]}")
    raise InputError(lines[0] if lines else out)


_REPORT_ENDS = "not complete: docs/data.md says where everything comes from"


def _outputs(out: Path) -> dict[str, bytes]:
    """Name and content of what a command wrote, but for records of time and machine."""
    files = sorted(path for path in out.rglob("*") if path.is_file()) if out.is_dir() else []
    kept = (path for path in files if "provenance" not in path.name and not path.name.startswith("."))
    return {str(path.relative_to(out)): path.read_bytes() for path in kept}
