"""The methods that rows of params.yaml name by ``repository`` and ``commit``: Snakemake clones them before it plans."""

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from liftedcl.files.atomic import exclusive
from liftedcl.identity.errors import InputError
from liftedcl.identity.git import git
from liftedcl.identity.provenance import commit_of
from liftedcl.recipes.outside_method import CLONES
from workflow.params import merged_values


def pinned(file: Any, overrides: dict[str, Any]) -> dict[str, str]:
    """Commit -> repository of the rows of params.yaml's content that name both; what else is wrong is for `resolve`."""
    rows = merged_values(file, overrides)["encoders"]["rows"].values()
    named = [(row.get("commit"), row.get("repository")) for row in rows if isinstance(row, dict)]
    return {of: where for of, where in named if isinstance(where, str) and re.fullmatch("[0-9a-f]{40}", str(of))}


def clone_missing(repositories: dict[str, str]) -> Iterator[str]:
    """Clone each commit that is not below `CLONES` yet, whole or not at all, and yield a line about it.

    Raises:
        InputError: a clone was edited, or git can't fetch a commit.
    """
    for commit, repository in repositories.items():
        folder = CLONES / commit
        with exclusive(CLONES):
            if not folder.exists():
                _clone(repository, commit, folder)
                yield f"cloned {repository} at {commit} into {folder}"
        if (found := commit_of(folder)["commit"]) != commit:
            raise InputError(f"{folder}: is not {commit} but {found}; remove this folder, and it is cloned again")


def _clone(repository: str, commit: str, folder: Path) -> None:
    part = folder.with_name(f".{commit}.part")
    shutil.rmtree(part, ignore_errors=True)  # of a clone that was killed: a git folder can be half-written anywhere
    fetch = ("-C", str(part), "fetch", "--quiet")
    where = ("--", os.path.abspath(repository) if os.path.exists(repository) else repository)
    try:
        git("init", "--quiet", str(part))
        try:
            git(*fetch, "--depth", "1", *where, commit)
        except InputError:  # a server that gives no single commit
            git(*fetch, "--tags", *where, "+refs/heads/*:refs/remotes/origin/*")
        git("-C", str(part), "checkout", "--quiet", "--detach", commit)
    except InputError as error:
        remedy = "check the row's `repository` and `commit`"
        raise InputError(f"params.yaml: {repository} at {commit} can't be cloned; {error}; {remedy}") from None
    part.rename(folder)
