"""All parts of Snakemake that this project uses and that Snakemake does not promise to keep.

Snakemake is pinned to one minor version (pyproject.toml), because the next one may change any of them. To move to
another minor version, check every function here against the new source, and `FORMAT` and `KEPT` against its
``MetadataRecord``. Nothing else in the project imports from ``snakemake``, except ``min_version`` and ``WorkflowError``
in the rules, which are documented.
"""

import contextlib
import fcntl
import io
import shlex
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import IO, Any

from snakemake.persistence import RECORD_FORMAT_VERSION, MetadataRecord
from snakemake.persistence.file import FilePersistence

from liftedcl.identity.errors import InputError
from workflow.planned_job import PlannedJob

FOLDER = Path(".snakemake")
_LOCKS = "locks/*.lock"
"""Below `FOLDER`: the files that keep a second run from starting."""
OWNER = "owner"
"""Below `FOLDER`: the file that a run on this machine holds an advisory lock on."""
_held: list[IO[str]] = []  # open until this process ends
_only_asked: list[bool] = []  # not empty once `plan` was called

TIMESTAMP = ".snakemake_timestamp"
"""Snakemake's own file in a folder that is an output."""

FORMAT = 6
"""The record format that this module was checked with: Snakemake 9.27's."""

FORMAT_HERE = RECORD_FORMAT_VERSION
"""The record format of the Snakemake that is installed."""

KEPT = ("rule", "input", "log", "params", "code", "conda_env", "container_img_url", "software_stack_hash",
        "input_checksums")  # fmt: skip
"""What Snakemake compares or shows. Times, process numbers and the command line, which names this machine's Python, are
not kept: with them, equal results would differ."""


class Records:
    """Snakemake's records of finished jobs, by the path of an output relative to ``root``."""

    def __init__(self, root: Path) -> None:
        self._store = FilePersistence(path=root.resolve() / FOLDER)

    def read(self, path: str) -> MetadataRecord | None:
        return self._store._read_record(path)

    def write(self, path: str, kept: dict[str, Any], time: float) -> None:
        """Record that a job with the values ``kept`` (see `KEPT`) made ``path`` at ``time``, in seconds since 1970."""
        values = kept | {"starttime": time, "endtime": time, "job_hash": 0, "incomplete": False}
        self._store._write_record(path, MetadataRecord(**values, record_format_version=FORMAT))
        self._store._unmark_incomplete(path)

    def incomplete(self, path: str) -> bool:
        """Whether the job that makes ``path`` began and did not end."""
        return bool(self._store._filter_incomplete_keys([path]))


def is_main_process(workflow: Any) -> bool:
    """Whether this is the run itself, and not a job that it submitted to a cluster; both read the Snakefile."""
    return workflow.is_main_process


def may_fetch(workflow: Any) -> bool:
    """Whether this is a run, or a dry run, and no question about the files that are there (`plan`)."""
    return workflow.is_main_process and not _only_asked


def settings_of(workflow: Any) -> tuple[list[Path], list[str]]:
    """The files of ``--configfile``, and the words of ``--config`` as they were typed.

    Jobs that are submitted to a cluster get the same words on a command line. Snakemake puts them into double quotes
    if they hold a single one, and then the shell would expand them; so they are quoted for a shell here.
    """
    settings = workflow.config_settings
    words = list(settings.config_args)
    settings.config_args = [shlex.quote(word) for word in words]
    return list(settings.configfiles), words


def jobs_of_rule(workflow: Any, rule: str) -> list[Any]:
    """The jobs of a rule in the Snakefile's ``workflow``, during a run."""
    return [job for job in workflow.dag.jobs if job.rule.name == rule]


def mark_incomplete(workflow: Any, job: Any) -> None:
    """Let the next run make a job's outputs again, as after a job that was killed."""
    workflow.persistence.started(job)


def remove_stale_locks(folder: Path) -> None:
    """Remove the lock files in ``folder`` (``.snakemake``) that no living run owns; they outlive a SIGKILL.

    Snakemake writes no process number into them. So every run holds an advisory lock of its own, which the system
    releases with the process. If another run is alive, nothing is touched: Snakemake's own check then refuses.

    Raises:
        InputError: nothing can be written there.
    """
    try:
        folder.mkdir(exist_ok=True)
        owner = open(folder / OWNER, "w")  # noqa: SIM115 held open on purpose
    except OSError as error:
        remedy = "to keep data, runs and results elsewhere: snakemake --directory FOLDER"
        raise InputError(f"{folder.absolute()}: {error.strerror}; {remedy}") from None
    try:
        fcntl.flock(owner, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # another run is alive, or the file system has no locks
        owner.close()
        return
    _held.append(owner)
    for lock in folder.glob(_LOCKS):
        lock.unlink(missing_ok=True)


_ROUTINE = ("Using workflow specific profile", "Building DAG of jobs")
"""What Snakemake says on stderr before every plan."""


def plan(command_line: list[str], done: bool = False) -> list[PlannedJob]:
    """The jobs that ``snakemake`` would run with this command line; jobs that others wait for come first.

    With ``done``, those that are done already come as well. The default profile is read, as by ``snakemake``. Nothing
    is run and nothing is locked.

    Raises:
        SystemExit: no rule makes a target, data is missing, or the Snakefile is wrong; the message is on stderr.
    """
    stderr = sys.stderr
    _only_asked.append(True)
    with contextlib.redirect_stderr(io.StringIO()) as said:
        try:
            return _plan(command_line, done)
        finally:
            lines = [line for line in said.getvalue().splitlines(keepends=True) if not line.startswith(_ROUTINE)]
            stderr.write("".join(lines))


def _plan(command_line: list[str], done: bool) -> list[PlannedJob]:
    from snakemake.api import SnakemakeApi  # slow to import, and the Snakefile, which imports this module, needs none
    from snakemake.cli import parse_args, parse_config
    from snakemake.settings.types import ConfigSettings, DAGSettings, ResourceSettings, StorageSettings

    _, arguments = parse_args(command_line)
    with SnakemakeApi() as api:
        try:
            workflow_api = api.workflow(
                ResourceSettings(cores=1),
                ConfigSettings(
                    config=parse_config(arguments.config),
                    configfiles=arguments.configfile,
                    config_args=arguments.config or [],
                ),
                StorageSettings(shared_fs_usage=arguments.shared_fs_usage),
            )
            workflow_api.dag(
                DAGSettings(
                    targets=arguments.targets,
                    force_incomplete=arguments.rerun_incomplete,
                    rerun_triggers=arguments.rerun_triggers,
                    max_checksum_file_size=arguments.max_checksum_file_size,
                )
            )
            workflow = workflow_api._workflow
            workflow._prepare_dag(forceall=False, ignore_incomplete=False, lock_warn_only=True)
            workflow._build_dag()
            return workflow.async_run(_planned(workflow.dag, workflow.persistence, done))
        except Exception as error:
            api.print_exception(error)
            raise SystemExit(1) from None


async def _planned(dag: Any, store: Any, done: bool) -> list[PlannedJob]:
    running = set(dag.needrun_jobs())
    order = [job for level in dag.toposorted() for job in sorted(level, key=lambda job: (job.rule.name, *job.output))]
    return [
        await _facts(dag, store, job, running) if job in running else PlannedJob(**_known(job), done=True)
        for job in order
        if done or job in running
    ]


def _known(job: Any) -> dict[str, Any]:
    return {
        "rule": job.rule.name,
        "wildcards": dict(job.wildcards_dict or {}),
        "outputs": tuple(map(str, job.output)),
        "params": {name: repr(value) for name, value in job.params.items()},
        "logs": tuple(map(str, job.log)),
    }


async def _facts(dag: Any, store: Any, job: Any, running: set[Any]) -> PlannedJob:
    """All causes of a job, each by itself; Snakemake stops looking when another job's output decides already."""
    compared = bool(job.output) and store.has_metadata(job) and not store.has_outdated_metadata(job)
    params = store.params_changed(job) if compared else None
    read_then = {name for path in job.output for name in store.input(path) or ()} if compared else set()
    read_now = set(store._input(job)) if compared else set()
    added = read_now - read_then
    asked = dag.targetfiles.union(*dag.depending[job].values())
    needed = asked.intersection(job.output) or set(job.output)
    missing = [str(path) for path in job.output if not await path.exists()]
    made = {name: other for other, names in dag.dependencies[job].items() for name in names if other in running}
    return PlannedJob(
        **_known(job),
        target=not dag.targetfiles.isdisjoint(job.output),
        old=frozenset(params.only_old) if params else frozenset(),
        new=frozenset(params.only_new) if params else frozenset(),
        command_changed=compared and any(store.code_changed(job)),
        missing=tuple(missing) if needed.intersection(missing) else (),
        incomplete=tuple(map(str, await store.incomplete(job))),
        edited=tuple([str(path) async for path in _edited(dag, store, job) if path not in {*made, *added}]),
        added=tuple(sorted(map(str, added))),
        removed=tuple(sorted(map(str, read_then - read_now))),
        made_inputs=tuple(sorted(map(str, made))),
        other=str(dag.reason(job)),
        begun=bool(job.output) and bool(store._filter_incomplete_keys([str(path) for path in job.output])),
    )


async def _edited(dag: Any, store: Any, job: Any) -> AsyncIterator[str]:
    """Inputs that are newer than a job's oldest output and whose content is not what it read."""
    made_at = await job.output_mintime
    for path in job.input if made_at is not None else ():
        if await path.exists() and await path.is_newer(made_at):
            then = store.input_checksums(job, path)
            if len(then) != 1 or not await path.is_same_checksum(then.pop(), dag.max_checksum_file_size):
                yield path
