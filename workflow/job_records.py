"""Snakemake's records of the outputs, kept beside the outputs, so that they travel with them through DVC.

Snakemake records in `.snakemake` which rule, parameters, code and inputs made a file; neither git nor DVC keeps that.
`save` writes it into ``FOLDER/job_records.json`` with the MD5 of each output. Where the folder is pulled, `restore`
gives the records back to Snakemake for every file that still has its recorded content, so a pulled result is as fresh,
or as stale, as it was where it was made.

The format of the records is private to Snakemake (workflow/snakemake_internals.py): any other format is refused.
"""

import argparse
import dataclasses
import hashlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from liftedcl.files.atomic import read_json, write_json
from liftedcl.identity.errors import InputError, run_cli
from workflow.layout import layout_of
from workflow.params import read_params
from workflow.snakemake_internals import FOLDER, FORMAT, FORMAT_HERE, KEPT, TIMESTAMP, Records

NAME = "job_records.json"

_PLACES = (f"data/*/{NAME}", f"runs/*/{NAME}", f"results/{NAME}")
_SEEN = "job_records_seen.json"


@dataclasses.dataclass(frozen=True)
class Job:
    """A finished job: what Snakemake recorded about it, and the MD5 of each of its outputs."""

    record: dict[str, Any]
    outputs: dict[str, str]


def save(folder: Path, followed: Iterable[Path], root: Path = Path(".")) -> list[Job]:
    """Write ``folder/job_records.json`` about Snakemake's outputs in ``folder``, and return its jobs.

    Args:
        folder: relative to ``root``.
        followed: dependencies and outputs of dvc.yaml's stages; other files, such as a page in results/, don't travel
            and are not recorded.
        root: the repository.

    Raises:
        InputError: something other than its job changed an output since it was last saved, an input that one was made
            from is gone, or Snakemake has another record format.
    """
    _check_format(FORMAT_HERE, "this Snakemake")
    store, file = Records(root), root / folder / NAME
    before = {path: digest for job in _read(file) for path, digest in job.outputs.items()} if file.exists() else {}
    jobs: dict[str, Job] = {}
    watched = {path.resolve() for path in followed}
    for place in sorted((root / folder).rglob("*")):
        if not _among(place, watched):
            continue
        path = place.relative_to(root).as_posix()
        found = store.read(path)
        # A path inside this clone, written in full, would mean nothing in another one.
        if found is None or any(Path(name).is_relative_to(root.resolve()) for name in found.input or ()):
            continue
        _check_format(found.record_format_version, f".snakemake's record of {path}")
        digest = _digest(place)
        if before.get(path, digest) != digest and _changed_at(place) > (found.endtime or 0):
            raise InputError(f"{path}: changed by something else than its job; {_remedy(path, before[path])}")
        record = {name: found[name] for name in KEPT}
        jobs.setdefault(repr(record), Job(record, {})).outputs[path] = digest
    saved = list(jobs.values())
    beside = [path for other in _record_files(root) for job in _read(root / other) for path in job.outputs]
    for path in sorted({*beside, *(path for job in saved for path in job.outputs)}):
        known = store.read(path) if (root / path).exists() else None
        inputs = known.input or () if known is not None else ()
        if gone := [name for name in inputs if not (root / name).exists()]:
            raise InputError(f"{gone[0]}: gone, and {path} was made from it; `dvc checkout {gone[0]}` brings it back")
    write_json(file, {"record_format": FORMAT, "jobs": [dataclasses.asdict(job) for job in saved]})
    _remember(root, {str(folder / NAME): _digest(file)})
    return saved


def restore(root: Path = Path(".")) -> list[str]:
    """Give Snakemake the records that are beside data, runs and results.

    A record is given back if the output has the recorded content and one of these is so: Snakemake has no record of
    it; the file of records is not the one last seen (a pull, another revision); or something other than the job that
    Snakemake recorded wrote the output (`dvc checkout`). What a job made after the last `save` keeps its record.

    Returns:
        A line about each output that is neither what was recorded nor what a later job made: damaged, or edited.

    Raises:
        InputError: the records have another format, or their file is damaged.
    """
    files = _record_files(root)
    if not files:
        return []
    _check_format(FORMAT_HERE, "this Snakemake")
    store, seen, wrong = Records(root), _seen(root), []
    digests = {str(file): _digest(root / file) for file in files}
    for file, digest in digests.items():
        for job in _read(root / file):
            for path, content in job.outputs.items():
                if not (root / path).exists():
                    continue
                time, known = _changed_at(root / path), store.read(path)
                by_its_job = known is not None and time <= (known.endtime or 0)
                if by_its_job and seen.get(file) == digest:
                    continue
                if _digest(root / path) == content:
                    store.write(path, job.record, time)
                    if (root / path).is_dir():  # whose content Snakemake doesn't compare: what was made of it is newer
                        (root / path / TIMESTAMP).touch()
                        os.utime(root / path / TIMESTAMP, (1, 1))
                elif not by_its_job and not store.incomplete(path):
                    wrong.append(f"warning: {path}: not what its job made: damaged or edited; {_remedy(path, content)}")
    if any(seen.get(file) != digest for file, digest in digests.items()):
        _remember(root, digests)
    return wrong


def require_followed(jobs: Iterable[Job], followed: Iterable[Path], root: Path = Path(".")) -> None:
    """Raise an `InputError` if a job read a file that DVC doesn't watch: it would miss its changes. See `save`."""
    watched = {path.resolve() for path in followed}
    for name, rule in ((name, job.record["rule"]) for job in jobs for name in job.record["input"] or ()):
        if not _among(root / name, watched):
            raise InputError(
                f"dvc.yaml: {name} is read by rule {rule}, but no stage depends on it or keeps it; "
                "add it to `deps` of the stage `runs` (docs/dvc.md)"
            )


def _among(path: Path, watched: set[Path]) -> bool:
    """Whether a path, or a folder that it is in, is in ``watched``, whose paths are resolved."""
    resolved = path.resolve()
    return not watched.isdisjoint((resolved, *resolved.parents))


def _remedy(path: str, digest: str) -> str:
    return (
        f"`dvc checkout --force {path}` brings back what DVC has; where that is damaged too, delete both "
        f"(.dvc/cache/files/md5/{digest[:2]}/{digest[2:]} is DVC's), and `snakemake {path}` makes it again"
    )


def _record_files(root: Path) -> list[Path]:
    return sorted(path.relative_to(root) for pattern in _PLACES for path in root.glob(pattern))


def _check_format(found: int, whose: str) -> None:
    if found != FORMAT:
        raise InputError(
            f"{whose} has record format {found}, not {FORMAT}; install the Snakemake that requirements.lock names"
        )


def _read(file: Path) -> list[Job]:
    remedy = "`dvc checkout` brings it back"
    content = read_json(file, remedy, finite=True)
    try:
        _check_format(content["record_format"], str(file))
        jobs = [Job(job["record"], job["outputs"]) for job in content["jobs"]]
        damaged = not all(map(_is_whole, jobs))
    except (KeyError, TypeError, AttributeError):
        damaged = True
    if damaged:
        raise InputError(f"{file}: holds no records of jobs; {remedy}")
    return jobs


def _is_whole(job: Job) -> bool:
    """Whether each part of a record has the type that Snakemake gives it, and each output is in the repository."""
    lists, texts = ("input", "log"), ("rule", "code", "conda_env", "container_img_url", "software_stack_hash")
    return (
        job.record.keys() == set(KEPT)
        and all(job.record[name] is None or _are_texts(job.record[name], list) for name in lists)
        and all(isinstance(job.record[name], str | None) for name in texts)
        and isinstance(job.record["params"], list | None)
        and isinstance(job.record["input_checksums"], dict | None)
        and _are_texts(job.outputs, dict)
        and not any(Path(path).is_absolute() or ".." in Path(path).parts for path in job.outputs)
    )


def _are_texts(values: Any, kind: type) -> bool:
    """Whether ``values`` is a ``kind`` of texts, or a mapping of texts to texts."""
    items = [*values, *values.values()] if isinstance(values, dict) else values
    return isinstance(values, kind) and all(isinstance(item, str) for item in items)


def _files(path: Path) -> list[Path]:
    return sorted(file for file in path.rglob("*") if file.is_file() and file.name != TIMESTAMP)


def _digest(path: Path) -> str:
    """MD5 of a file, which DVC's cache uses too, or of the names and contents in a folder."""
    if path.is_dir():
        lines = [f"{file.relative_to(path).as_posix()}\0{_digest(file)}\n" for file in _files(path)]
        return hashlib.md5("".join(lines).encode()).hexdigest()
    with path.open("rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest()


def _changed_at(path: Path) -> float:
    """When a file, or the newest in a folder, was last written."""
    return max((file.stat().st_mtime for file in _files(path)), default=0.0) if path.is_dir() else path.stat().st_mtime


def _seen(root: Path) -> dict[str, str]:
    """MD5 of each file of records when it last agreed with `.snakemake`."""
    file = root / FOLDER / _SEEN
    seen = read_json(file, "remove it") if file.exists() else {}
    if not _are_texts(seen, dict):
        raise InputError(f"{file}: holds no checksums; remove it")
    return seen


def _remember(root: Path, digests: dict[str, str]) -> None:
    write_json(root / FOLDER / _SEEN, _seen(root) | digests)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m workflow.job_records",
        description="Write down beside its outputs what Snakemake knows of them. The stages of dvc.yaml call it; "
        "Snakemake itself reads the records when it starts.",
    )
    parser.add_argument("command", choices=["save"], help="save: write FOLDER/job_records.json")
    parser.add_argument("folders", type=Path, nargs="+", metavar="FOLDER", help="such as runs/demo, or results")
    arguments = parser.parse_args()

    from dvc.repo import Repo  # slow to import, and Snakemake, which imports this module, has no use for it

    stages = [stage for stage in Repo().index.stages if not stage.is_data_source]
    followed = [Path(item.fs_path) for stage in stages for item in (*stage.deps, *stage.outs)]
    runs = layout_of(read_params("params.yaml")).root
    if Path(runs).resolve() not in followed:
        raise InputError(f"params.yaml: no stage of dvc.yaml keeps {runs}, where its runs stand (docs/dvc.md)")
    for folder in arguments.folders:
        require_followed(save(folder, followed), followed)


if __name__ == "__main__":
    run_cli(main)
