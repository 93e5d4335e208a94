"""Two commits of this repository: what differs in recipes, code and packages."""

import ast
import io
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from liftedcl.identity.code_digest import digest_of
from liftedcl.identity.errors import InputError
from liftedcl.identity.strict_text import read_yaml
from workflow.params import merged_values
from workflow.why.changed_parameters import differences, listed

_PACKAGES = ("liftedcl", "downstream", "synthetic", "workflow")


def compare_commits(first: str, second: str, profile: str | None) -> Iterator[str]:
    """Lines about recipes, modules and packages.

    Raises:
        InputError: git doesn't know one of them, or its params.yaml can't be read.
    """
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        sides = [Path(one), Path(other)]
        for commit, folder in zip((first, second), sides, strict=True):
            _extract(commit, folder)
        recipes = [_values(folder / "params.yaml", profile) for folder in sides]
        changed = list(differences(*recipes))
        yield f"params.yaml: {listed(changed, shown=20)}" if changed else "params.yaml: the same numbers"
        yield f"code: {code_words(*map(_modules, sides))}"
        yield f"packages: {mapping_words(*(_pins(folder / 'requirements.lock') for folder in sides))}"
        yield f"scores: dvc metrics diff {first} {second}"


def code_words(first: dict[str, str], second: dict[str, str]) -> str:
    """Which modules differ, and which only one side has."""
    edited = [name for name in first if name in second and first[name] != second[name]]
    parts = [f"{listed(edited)} differ{'s' if len(edited) == 1 else ''}"] if edited else []
    for name, ours, theirs in (("A", first, second), ("B", second, first)):
        if only := [module for module in ours if module not in theirs]:
            parts.append(f"only {name} has {listed(only)}")
    return "; ".join(parts) or "the same"


def mapping_words(first: dict[str, Any], second: dict[str, Any]) -> str:
    """Which values differ, such as of packages or inputs."""
    changed = list(differences(first, second))
    return listed(changed, shown=12) if changed else "the same"


def _extract(commit: str, folder: Path) -> None:
    command = ["git", "archive", "--format=tar", f"{commit}^{{commit}}"]
    try:
        done = subprocess.run(command, capture_output=True, check=True)
    except OSError as error:
        raise InputError(f"git can't be run ({error.strerror}); install git") from None
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode("utf-8", "replace").strip().splitlines()
        known = "neither a run's folder, a cell or row of a table, nor a commit"
        raise InputError(f"{commit}: {known} ({(said or ['git failed'])[-1]})") from None
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        archive.extractall(folder, filter="data")


def _values(file: Path, profile: str | None) -> dict[str, Any]:
    content = read_yaml(file)
    return merged_values(content, {"profile": profile} if profile else {}) if isinstance(content, dict) else {}


def _modules(folder: Path) -> dict[str, str]:
    """Module -> digest, of all Python files of the packages at a commit."""
    found = {}
    for path in (path for package in _PACKAGES for path in sorted((folder / package).rglob("*.py"))):
        name = ".".join(path.relative_to(folder).with_suffix("").parts).removesuffix(".__init__")
        found[name] = digest_of(ast.parse(path.read_text(encoding="utf-8")))
    return found


def _pins(file: Path) -> dict[str, str]:
    lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    return dict(line.split(" ")[0].split("==") for line in lines if "==" in line.split(" ")[0])
