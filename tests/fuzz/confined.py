"""Runs damaged inputs where they can do no harm: in a forked process with limits, which may only write in its sandbox.

What a reader does wrong becomes a `Finding` with the seed that shows it: a death, a hang, too much memory, an exception
that is no `InputError`, a file left behind, a write elsewhere, or a result that is not the undamaged input's.
"""

import dataclasses
import faulthandler
import json
import os
import random
import shutil
import signal
import sys
import traceback
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import cv2
from fuzz.confinement import EscapeError, confine
from fuzz.mutations import Mutant, mutate
from fuzz.result_digest import digest_of
from fuzz.subject import Subject

from liftedcl.identity import errors
from liftedcl.identity.errors import InputError

SECONDS = 20
"""Of processor time for an input."""
PATIENCE = 120
"""Seconds for one that sleeps, since the machine may be busy. Its stacks are then in the finding.

To sleep once is a warning, since a thread may have held a lock at the fork; to sleep twice is a finding.
"""
MEMORY = 2 << 30
"""Bytes for an input, beyond what the process holds before it."""


@dataclasses.dataclass(frozen=True)
class Finding:
    """What the input of ``seed`` did wrong."""

    subject: str
    seed: int
    problem: str

    def __str__(self) -> str:
        return f"{self.subject}, seed {self.seed}: {self.problem}"


def fuzz(subject: Subject, folder: Path, seeds: range) -> tuple[list[Finding], Counter[str]]:
    """Damage ``subject`` in a new ``folder``, once for each of ``seeds``.

    Returns:
        What was found, with the files kept in ``folder/kept``; and how often an input ended in a ``result``, in that of
        the undamaged input (``same``), or in a ``line``.
    """
    data = folder / "data"
    data.mkdir(parents=True)
    subject.make(data)
    (folder / "input").touch()
    findings, ends, left, slept = [], Counter(), list(seeds), False
    while left:
        journal = folder / "journal"
        journal.unlink(missing_ok=True)
        death = _fork(subject, folder, left, journal)
        lines = [json.loads(line) for line in journal.read_text().splitlines()] if journal.exists() else []
        for seed, (end, problem) in zip(left, lines, strict=False):
            ends[end] += 1
            if problem:
                findings.append(Finding(subject.name, seed, problem))
        left = left[len(lines) :]
        if left:  # the process ended at the first of them
            finding = Finding(subject.name, left[0], f"{death}; {_kept(folder, left[0])}")
            sleeps = death.startswith("slept")
            if sleeps and not slept:
                warnings.warn(f"{finding}; it is tried once more", stacklevel=2)
            else:
                findings.append(finding)
                left = [] if sleeps else left[1:]
            slept = slept or sleeps
            _restore(subject, folder)
    return findings, ends


def _fork(subject: Subject, folder: Path, seeds: list[int], journal: Path) -> str:
    """Run ``seeds`` in a forked process; how it ended, in words."""
    sys.stdout.flush()
    (folder / "stacks").write_text("")
    cv2.setNumThreads(1)  # here, where OpenCV's threads are: ending them in the forked process would wait for ever
    with warnings.catch_warnings():  # Python warns of threads; what one holds is why `PATIENCE` has a second try
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        status = 1
        try:
            _run(subject, folder, seeds, journal)
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    status = os.waitpid(child, 0)[1]
    if stacks := (folder / "stacks").read_text():
        return f"slept for {PATIENCE} s, in\n{stacks}"
    if not os.WIFSIGNALED(status):
        assert status == 0, f"{subject.name}: the undamaged input can't be read, see above"
        return "ended its process"
    name = signal.Signals(os.WTERMSIG(status)).name
    return f"took over {SECONDS} s of processor time" if name == "SIGPROF" else f"died of {name}"


def _run(subject: Subject, folder: Path, seeds: list[int], journal: Path) -> None:
    """Write how each input ended to ``journal``, a line each."""
    data = folder / "data"
    files = {name: (data / name).read_bytes() for name in subject.damaged}
    stacks = open(folder / "stacks", "w")  # noqa: SIM115  until this process ends
    faulthandler.dump_traceback_later(PATIENCE, exit=True, file=stacks)
    whole = digest_of(subject.read(data))  # before the limits: libraries import each other and write their caches
    confine(folder, MEMORY)
    before = _listing(data)
    with open(journal, "a", buffering=1) as lines:
        for seed in seeds:
            name, mutant = draw(subject, files, seed)
            (folder / "input").write_bytes(mutant.content)
            shutil.rmtree(data / "out", ignore_errors=True)
            (data / name).write_bytes(mutant.content)
            signal.setitimer(signal.ITIMER_PROF, SECONDS)
            faulthandler.dump_traceback_later(PATIENCE, exit=True, file=stacks)
            end, problem = _try(subject, data, mutant, whole)
            signal.setitimer(signal.ITIMER_PROF, 0)
            problem = problem or _left_behind(data, end == "line" and not subject.keeps, before)
            (data / name).write_bytes(files[name])
            if problem:
                problem = f"{problem}; {name}: {mutant.what}; {_kept(folder, seed)}"
            lines.write(json.dumps([end, problem]) + "\n")


def draw(subject: Subject, files: dict[str, bytes], seed: int) -> tuple[str, Mutant]:
    """Which of the files is damaged by ``seed``, and how."""
    rng = random.Random(f"{subject.name} {seed}")
    name = rng.choice(subject.damaged)
    while True:
        mutant = mutate(name, files[name], rng)
        if mutant is not None and mutant.content != files[name]:
            return name, mutant


def _try(subject: Subject, data: Path, mutant: Mutant, whole: str) -> tuple[str, str | None]:
    """How reading ends, and what is wrong with that."""
    try:
        result = subject.read(data)
    except InputError as error:
        if lacking := next((each for each in _chain(error) if isinstance(each, MemoryError)), None):
            return "line", f"asks for over {MEMORY >> 30} GB: {lacking}"
        return "line", None if str(error).strip() else "an error without a word"
    except EscapeError as error:
        return "other", f"tries {error}"
    except OSError as error:
        if error.errno in errors._DISK_REMEDIES:  # which every command says in one line
            return "line", None
        return "other", _described(error)
    except BaseException as error:
        return "other", _described(error)
    if digest_of(result) == whole:
        return "same", None
    if mutant.nonsense:
        return "result", "another result without a word"
    if mutant.sealed and subject.sealed:
        return "result", "another result, although the file carries a checksum"
    return "result", None


def _described(error: BaseException) -> str:
    frame = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{'/'.join(Path(frame.filename).parts[-2:])}:{frame.lineno}"
    return f"{type(error).__name__} at {place}: {' '.join(str(error).split())[:200]}"


def _left_behind(data: Path, nothing: bool, before: dict[str, tuple[int, int]]) -> str | None:
    """Half-written files, others where ``nothing`` has to be left, and what was changed among the inputs."""
    out = [path for path in (data / "out").rglob("*") if path.is_file()]
    if parts := [path.name for path in data.rglob("*.part")]:
        return f"leaves {', '.join(parts)}"
    if nothing and (finished := [path.name for path in out if not path.name.startswith(".")]):
        return f"fails and leaves {', '.join(finished)}"
    if (after := _listing(data)) != before:
        changed = sorted(set(after.items()) ^ set(before.items()))
        return f"changes its input {changed[0][0]}"
    return None


def _listing(data: Path) -> dict[str, tuple[int, int]]:
    """Every file and folder outside ``out``, but for the claims of folders."""
    paths = (path for path in data.rglob("*") if path.relative_to(data).parts[0] != "out" and path.name != ".claim")
    return {str(path.relative_to(data)): path.is_dir() for path in paths}


def _chain(error: BaseException) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__context__


def _kept(folder: Path, seed: int) -> str:
    """Copy the input that has just been read to where it stays."""
    kept = folder / "kept" / str(seed)
    kept.parent.mkdir(exist_ok=True)
    shutil.copy(folder / "input", kept)
    return f"its input is kept as {kept}"


def _restore(subject: Subject, folder: Path) -> None:
    """Undamaged files again, after a process that died could not put them back."""
    shutil.rmtree(folder / "data")
    (folder / "data").mkdir()
    subject.make(folder / "data")
