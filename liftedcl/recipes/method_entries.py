"""The pre-training methods and the sections of a row that each reads.

A method is one file in liftedcl/methods/, or anywhere (`outside_method`), with one class that says
``sections = ("training", "views", ...)``. The files are parsed and not imported: planning must not import torch.
"""

import ast
import functools
from dataclasses import dataclass
from pathlib import Path

from liftedcl.identity.code_digest import Place
from liftedcl.identity.errors import InputError

_FOLDER = Path(__file__).resolve().parents[1] / "methods"
_NEEDED = ("training", "views")  # by every method that trains
_EXAMPLE = "see liftedcl/methods/moco_v2.py"


@dataclass(frozen=True)
class MethodEntry:
    """Where a method is and what it reads. All are empty for a method that trains nothing.

    ``place`` and ``file`` are of a method from outside this project.
    """

    module: str = ""
    class_name: str = ""
    sections: tuple[str, ...] = ()
    place: Place | None = None
    file: Path | None = None


@functools.cache
def method_entries() -> dict[str, MethodEntry]:
    """Every method by its name in params.yaml, which is the name of its file.

    Raises:
        InputError: a file has no such class, or several.
    """
    files = sorted(path for path in _FOLDER.glob("*.py") if path.stem != "__init__")
    untrained = dict.fromkeys(("random", "published", "own"), MethodEntry())
    return untrained | {path.stem: read_entry(path, f"liftedcl.methods.{path.stem}") for path in files}


def read_entry(path: Path, module: str) -> MethodEntry:
    """The entry of the method in the file ``path``, which is imported as ``module``.

    Raises:
        InputError: it can't be read, or has no such class, or several.
    """
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        found = [
            (node.name, ast.literal_eval(part.value))
            for node in tree.body if isinstance(node, ast.ClassDef)
            for part in node.body if isinstance(part, ast.Assign) and ast.unparse(part.targets[0]) == "sections"
        ]  # fmt: skip
    except (ValueError, SyntaxError, RecursionError) as error:
        raise InputError(f"{path}: can't be read as a method: {error}; {_EXAMPLE}") from None
    sections = found[0][1] if len(found) == 1 else None
    if not isinstance(sections, tuple) or not set(_NEEDED) <= set(sections):
        raise InputError(
            f"{path}: found {len(found)} classes with `sections`; a method is one class that names the sections of a "
            f'row that it reads, such as sections = ("training", "views"), and at least these; {_EXAMPLE}'
        )
    return MethodEntry(module, found[0][0], sections)
