"""The runs behind a table, as its .provenance.json records them: how long each took, where and when. No torch."""

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from liftedcl.files.atomic import read_json
from liftedcl.identity.errors import InputError

REMEDY = "make the table again with snakemake"


@dataclass(frozen=True)
class RecordedRun:
    """One finished training.

    Attributes:
        kind: ``encoder`` or ``fine-tuning``.
        run: its folder, as `Layout` names it.
        benchmark: with its variant, such as h36m_3d-prior; empty for an encoder.
        hardware: the accelerator's name, or the processor's and its number of cores.
        started: UTC, such as 2026-11-21T17:02:29Z.
    """

    kind: str
    run: str
    row: str
    benchmark: str
    seed: int
    wall_seconds: float
    peak_memory_mib: int
    device: str
    hardware: str
    started: str
    commit: str | None


def read_provenance(path: Path) -> dict[str, Any]:
    """A table's .provenance.json.

    Raises:
        InputError: it is missing, damaged, or written by another version of this project.
    """
    provenance = read_json(path, REMEDY, finite=True)
    there = set(provenance) if isinstance(provenance, dict) else set()
    lacking = {"title", "profile", "seeds", "baseline", "columns", "differences", "rows"} - there
    if lacking:
        raise InputError(f"{path}: lacks {', '.join(sorted(lacking))}; {REMEDY}")
    return provenance


def runs_of(path: Path, provenance: dict[str, Any]) -> Iterator[tuple[str, str, RecordedRun]]:
    """Row, benchmark and each finished run behind them; an encoder comes once for each of its uses.

    Raises:
        InputError: an entry is damaged; the message names ``path``.
    """
    with damage_named(path):
        for row, benchmark, *stage in finished(provenance):
            yield row, benchmark, _recorded(*stage)


def finished(provenance: dict[str, Any]) -> Iterator[tuple[str, str, str, str, Any]]:
    """Row, benchmark, and `stages` of each training behind a table that ended; raises as they do."""
    for row, benchmarks in provenance["rows"].items():
        for benchmark, chains in benchmarks.items():
            for stage in (stage for chain in chains for stage in stages(chain)):
                if stage[2] is not None:
                    yield row, benchmark, *stage


@contextlib.contextmanager
def damage_named(path: Path) -> Iterator[None]:
    """What is missing or of another kind in the provenance ``path``, which is read in here, is an `InputError`."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError) as error:
        raise InputError(f"{path}: its record of a run is damaged ({error!r}); {REMEDY}") from None


def stages(chain: dict[str, Any]) -> list[tuple[str, str, Any]]:
    """Kind, folder and record of a fine-tuning and of its encoders, from the last to the first.

    Raises:
        LookupError, TypeError: ``chain`` is damaged.
    """
    encoders = [("encoder", encoder["run"], encoder["provenance"]) for encoder in chain["encoders"]]
    found = [("fine-tuning", chain["run"], chain["finetuning"]), *encoders]
    if wrong := [run for _, run, _ in found if not isinstance(run, str)]:
        raise TypeError(f"{wrong[0]!r} is no folder of a run")
    return found


def distinct(runs: Iterable[RecordedRun]) -> list[RecordedRun]:
    """One run for each folder, encoders first; of two records of a folder, the one that started later."""
    latest: dict[str, RecordedRun] = {}
    for run in runs:
        if run.run not in latest or latest[run.run].started < run.started:
            latest[run.run] = run
    return sorted(latest.values(), key=lambda run: (run.kind, run.benchmark, run.row, run.seed))


def duration(seconds: float) -> str:
    """Such as 46 s, 3.4 min or 12.5 h."""
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


def _recorded(kind: str, run: str, record: dict[str, Any]) -> RecordedRun:
    *_, benchmark, row, seed = PurePosixPath(run).parts
    hardware = record["hardware"]
    device = str(hardware["device"])
    return RecordedRun(
        kind=kind,
        run=run,
        row=row,
        benchmark="" if kind == "encoder" else benchmark,
        seed=int(seed.removeprefix("seed")),
        wall_seconds=float(record["wall_seconds"]),
        peak_memory_mib=int(record["peak_memory_mib"]),
        device=device,
        hardware=f"{hardware['cpu']}, {hardware['cores']} cores" if device == "cpu" else device,
        started=str(record["started"]),
        commit=commit_in(record),
    )


def commit_in(record: dict[str, Any]) -> str | None:
    """The commit of a record; None if there was none. Raises `TypeError` for what is no text."""
    commit = record.get("commit")
    if not isinstance(commit, str | None):
        raise TypeError(f"commit is {commit!r}")
    return commit
