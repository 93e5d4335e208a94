"""The smallest pipeline that DVC runs here: all nine tables with a row or three, under git, in a folder of its own."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import repository
import yaml
from repository import REPOSITORY
from tiny.run import ROWS, finished_run

from workflow.params import merge

OWN = "own/encoder.pt"
"""A raw file: the encoder of the row `mine`, under `dvc add` and among the dependencies of dvc.yaml."""


def environment(folder):
    """Tools of this Python, one thread a job, and DVC's own files below ``folder``."""
    tools = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return os.environ | {
        "PATH": tools, "OMP_NUM_THREADS": "1", "DVC_SITE_CACHE_DIR": str(folder.parent / "site"),
        "DVC_NO_ANALYTICS": "1", "GIT_CONFIG_GLOBAL": os.devnull, "GIT_AUTHOR_NAME": "test",
        "GIT_COMMITTER_NAME": "test", "GIT_AUTHOR_EMAIL": "test", "GIT_COMMITTER_EMAIL": "test",
    }  # fmt: skip


def start(folder, *command):
    return subprocess.Popen(
        command, cwd=folder, env=environment(folder), start_new_session=True, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # ignored where tests run in the background
    )  # fmt: skip


def attempt(folder, *command):
    """Exit status and everything that a command printed."""
    process = start(folder, *command)
    output, _ = process.communicate(timeout=900)
    return process.returncode, output


def call(folder, *command):
    """Everything that a command printed; it has to succeed."""
    status, output = attempt(folder, *command)
    assert status == 0, f"{' '.join(command)}\n{output}"
    return output


def commit(folder):
    call(folder, "git", "add", "--all")
    call(folder, "git", "commit", "--quiet", "--allow-empty", "--message", "test")


def make_repository(folder):
    """A repository in which table 4 has run; ``demo`` is as small as tests/tiny/tiny.yaml makes it."""
    finished_run(folder)
    for name in (".dvcignore", ".gitignore", "dvc.yaml", ".dvc/config", ".dvc/.gitignore"):
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(REPOSITORY / name, folder / name)
    file = folder / "params.yaml"
    params = yaml.safe_load(file.read_text())
    tiny = yaml.safe_load((folder / "tests/tiny/tiny.yaml").read_text())
    params["profiles"]["demo"] = merge(params["profiles"]["demo"], tiny)
    params["encoders"]["rows"]["mine"] = {"method": "own", "file": OWN}
    file.write_text(yaml.safe_dump(params, sort_keys=False))
    file = folder / "workflow/tables/tables.yaml"
    tables = yaml.safe_load(file.read_text())
    for number in range(1, 10):
        table = tables[f"table{number}"] = dict(tables["table4" if number > 6 else f"table{number}"])
        rows = (*ROWS, "mine") if number == 4 else ROWS[:1]
        named = {row["encoder"]: row for row in table["rows"]} | {
            "mine": {"encoder": "mine", "method": "mine", "data": "own"}
        }
        table |= {"rows": [named[row] for row in rows], "baseline": rows[0], "differences": [], "extends": False}
        table["figures"] = table["figures"] if number == 4 else []
    file.write_text(yaml.safe_dump(tables, sort_keys=False, default_flow_style=None))
    for command in (("git", "init", "--quiet"), ("git", "add", "--all")):
        call(folder, *command)
    commit(folder)
    return folder


def run_everything(folder):
    """`dvc repro` to the nine tables, with the row's own encoder tracked, all of it in git."""
    random = "runs/demo/encoders/random/seed0/encoder.pt"
    (folder / "own").mkdir()
    shutil.copy(folder / random, folder / OWN)
    call(folder, "dvc", "add", OWN)
    edit(folder, "dvc.yaml", "      - workflow\n      #", f"      - workflow\n      - {OWN}\n      #")
    call(folder, "dvc", "repro")
    commit(folder)


def edit(folder, name, old, new):
    file = folder / name
    text = file.read_text()
    assert old in text, f"{name} doesn't hold {old!r}"
    file.write_text(text.replace(old, new, 1))


def append(folder, name, line):
    with open(folder / name, "a") as file:
        file.write(f"{line}\n")


def set_parameter(folder, key, value):
    """Change one value of params.yaml, by its dotted name."""
    params = yaml.safe_load((folder / "params.yaml").read_text())
    *parents, last = key.split(".")
    place = params
    for name in parents:
        place = place.setdefault(name, {})
    place[last] = value
    (folder / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))


def jobs_in(output):
    """As `repository.jobs_in`, but for the target itself."""
    return [job for job in repository.jobs_in(output) if job != ("tables", "")]


def planned(folder):
    """What Snakemake would run for all tables."""
    return jobs_in(call(folder, "snakemake", "-n", "tables"))


def is_clean(folder):
    """Whether DVC finds nothing changed."""
    return "Data and pipelines are up to date." in call(folder, "dvc", "status")


def copied(folder, to):
    """All of a repository, with what it made and its times."""
    return shutil.copytree(folder, to, symlinks=True)
