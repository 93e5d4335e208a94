"""``python -m workflow.clone``: fetch the methods that rows of params.yaml name by ``repository`` and ``commit``.

Each commit is one folder below outside/. Snakemake calls this before it plans, so that nobody else has to.
"""

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from liftedcl.files.atomic import exclusive
from liftedcl.identity.errors import InputError, run_cli
from liftedcl.identity.provenance import commit_of
from liftedcl.identity.strict_text import read_yaml
from liftedcl.recipes.outside_method import CLONES
from workflow.command_line import command_line_values
from workflow.params import merged_values


def pinned(params: Path, overrides: dict[str, Any]) -> dict[str, str]:
    """Commit -> repository of the rows that name both; other mistakes in params.yaml are for `read_params` to name."""
    if "repository" not in params.read_text(encoding="utf-8") and "encoders" not in overrides:
        return {}  # nearly always, and then the file isn't parsed twice
    file = read_yaml(params)
    rows = merged_values(file, overrides)["encoders"]["rows"] if isinstance(file, dict) else {}
    named = [(row.get("commit"), row.get("repository")) for row in rows.values() if isinstance(row, dict)]
    whole = [(commit, where) for commit, where in named if isinstance(commit, str) and isinstance(where, str)]
    return {commit: where for commit, where in whole if len(commit) == 40 and commit.isalnum()}


def clone_missing(repositories: dict[str, str]) -> Iterator[str]:
    """Clone each commit that is not below `CLONES` yet, whole or not at all, and yield a line about it.

    Raises:
        InputError: a clone was edited, or git can't fetch a commit.
    """
    for commit, repository in repositories.items():
        folder = CLONES / commit
        if not folder.exists():
            with exclusive(CLONES):
                if not folder.exists():  # another process may have been faster
                    _clone(repository, commit, folder)
                    yield f"cloned {repository} at {commit} into {folder}"
        if (found := commit_of(folder)["commit"]) != commit:
            raise InputError(f"{folder}: is not {commit} but {found}; remove this folder, and it is cloned again")


def _clone(repository: str, commit: str, folder: Path) -> None:
    part = folder.with_name(f".{commit}.part")
    shutil.rmtree(part, ignore_errors=True)  # of a clone that was killed: a git folder can be half-written anywhere
    where = os.path.abspath(repository) if os.path.exists(repository) else repository
    _git("init", "--quiet", str(part))
    try:
        _git("-C", str(part), "fetch", "--quiet", "--depth", "1", "--", where, commit)
    except InputError:  # a server that gives no single commit
        _git("-C", str(part), "fetch", "--quiet", "--tags", "--", where, "+refs/heads/*:refs/remotes/origin/*")
    _git("-C", str(part), "checkout", "--quiet", "--detach", commit)
    part.rename(folder)


def _git(*arguments: str) -> None:
    outside = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    outside["GIT_TERMINAL_PROMPT"] = "0"  # nobody answers a question in the middle of a workflow
    try:
        subprocess.run(["git", *arguments], env=outside, check=True, capture_output=True, text=True, errors="replace")
    except OSError as error:
        raise InputError(f"git can't be run ({error.strerror}); install git") from None
    except subprocess.CalledProcessError as error:
        said = (error.stderr.strip().splitlines() or ["git failed"])[-1].removeprefix("fatal: ")
        raise InputError(
            f"params.yaml: git {' '.join(arguments)}: {said}; check the row's `repository` and `commit`"
        ) from None


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m workflow.clone",
        description="Fetch the methods that rows of params.yaml name by repository and commit.",
    )
    parser.add_argument("--params", type=Path, default="params.yaml", help="the file (default: %(default)s)")
    parser.add_argument("--config", nargs="+", default=[], metavar="KEY=VALUE", help="as of snakemake")
    arguments = parser.parse_args()
    repositories = pinned(Path(arguments.params), command_line_values([], arguments.config))
    for line in clone_missing(repositories):
        print(line, file=sys.stderr)
    print(f"{len(repositories)} commits are in {CLONES}/")


if __name__ == "__main__":
    run_cli(main)
