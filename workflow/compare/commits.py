"""Two commits of this repository: what differs in recipes, code and packages."""

import ast
from collections.abc import Iterator
from pathlib import PurePosixPath

from liftedcl.identity.code_digest import PACKAGES, digest_of
from liftedcl.identity.errors import InputError
from liftedcl.identity.git import git
from liftedcl.identity.strict_text import yaml_value
from workflow.params import merged_values
from workflow.why.changed_parameters import code_words, differing


def compare_commits(first: str, second: str, profile: str | None) -> Iterator[str]:
    """Lines about recipes, modules and packages.

    Raises:
        InputError: git doesn't know one of them, or its params.yaml can't be read.
    """
    for commit in (first, second):
        try:
            git("cat-file", "-e", f"{commit}^{{commit}}")
        except InputError as error:
            known = "neither TABLE.csv:ROW nor a commit"
            raise InputError(f"{commit}: {known} ({error})") from None
    chosen = {"profile": profile} if profile else {}
    texts = [_file(commit, "params.yaml") or "" for commit in (first, second)]
    recipes = [merged_values(yaml_value(text, "params.yaml"), chosen) for text in texts]
    yield f"params.yaml: {differing(*recipes)}"
    yield f"code: {code_words(*_changed_modules(first, second))}"
    yield f"packages: {differing(_pins(first), _pins(second))}"
    yield f"scores: dvc metrics diff {first} {second}"


def _file(commit: str, path: str) -> str | None:
    """A file's text at a commit; None if there is none."""
    try:
        return git("show", f"{commit}:{path}")
    except InputError:
        return None


def _changed_modules(first: str, second: str) -> list[dict[str, str]]:
    """For each commit, module -> digest, of all Python files of the packages that differ between the two."""
    files = git("diff", "--name-only", "-z", "--no-renames", first, second, "--", *PACKAGES).split("\0")
    sides: list[dict[str, str]] = [{}, {}]
    for file in (file for file in files if file.endswith(".py")):
        module = ".".join(PurePosixPath(file).with_suffix("").parts).removesuffix(".__init__")
        for commit, side in zip((first, second), sides, strict=True):
            if (text := _file(commit, file)) is not None:
                side[module] = digest_of(ast.parse(text))
    return sides


def _pins(commit: str) -> dict[str, str]:
    """Package -> version of the lock at a commit."""
    pins = [line.split(" ")[0] for line in (_file(commit, "requirements.lock") or "").splitlines()]
    return dict(pin.split("==") for pin in pins if "==" in pin)
