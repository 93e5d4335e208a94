"""A method from outside this project: a row names its file, or the module of an installed package.

With ``repository`` and ``commit`` the file is in a clone of that commit (workflow/clone.py). Nothing is imported here.
"""

import importlib.util
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from liftedcl.identity.code_digest import Place, path_of
from liftedcl.identity.errors import InputError
from liftedcl.identity.strict import require
from liftedcl.recipes.method_entries import MethodEntry, method_entries, read_entry

OUTSIDE = "outside"
"""What the method of a row with ``module`` is called."""

CLONES = Path("outside")
"""Below the working directory: a folder for each commit."""

_NAMES = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")


def require_outside(recipe: Any) -> None:
    """``module``, ``repository`` and ``commit`` of an encoder's recipe go together, and a commit can't move."""
    require((recipe.method == OUTSIDE) == (recipe.module is not None), "module", "takes the place of a row's `method`")
    require(
        (recipe.repository is None) == (recipe.commit is None), "commit", "goes with `repository`, and it with `commit`"
    )
    if recipe.commit is not None:
        fixed = re.fullmatch("[0-9a-f]{40}", recipe.commit) is not None
        require(fixed, "commit", f"{recipe.commit!r} could move; give the 40 digits that `git rev-parse HEAD` prints")
        named = recipe.module is not None and recipe.module.endswith(".py")
        require(named, "commit", "goes with a `module` that names a file in the repository")


def method_of(recipe: Any) -> MethodEntry:
    """`entry_of` an encoder's recipe."""
    return entry_of(recipe.method, recipe.module, recipe.commit)


def entry_of(method: str, module: str | None = None, commit: str | None = None) -> MethodEntry:
    """The entry of a row's method: of one here by its name, or of `OUTSIDE` by its ``module``.

    Raises:
        InputError: there is no such file, module or clone, or it holds no method.
        KeyError: no such method.
    """
    if module is None:
        return method_entries()[method]
    file, place = _file_of(module, commit)
    name = ".".join(file.relative_to(place.folder).with_suffix("").parts).removesuffix(".__init__")
    if not _NAMES.fullmatch(name):
        raise InputError(f"{file}: {name!r} is no name of a module; use letters, digits and _, and no digit first")
    taken = path_of(name, place)
    if taken is None or not taken.samefile(file):
        raise InputError(f"{file}: {name} is a module of this project; rename your file or its folder")
    return replace(read_entry(file, name), place=place, file=file)


def _file_of(module: str, commit: str | None) -> tuple[Path, Place]:
    """The file that ``module`` names, and from where it is imported."""
    if not module.endswith(".py"):
        return _installed(module)
    above = CLONES / commit if commit else Path()
    if commit and not above.is_dir():
        raise InputError(f"{above}: the repository of {module} is not cloned yet; snakemake -n clones it")
    file = above / module
    if not file.is_file():
        raise InputError(f"{file}: no such file; name the file of the method, or the module of an installed package")
    if commit and not file.resolve().is_relative_to(above.resolve()):
        raise InputError(f"{file}: leads out of its repository, whose commit says nothing about it; name a file in it")
    folder = file.absolute().parent
    while (folder / "__init__.py").is_file():  # a package is imported from the folder that it is in
        folder = folder.parent
    return file.absolute(), Place(folder)


def _installed(module: str) -> tuple[Path, Place]:
    package = module.split(".")[0]
    spec = importlib.util.find_spec(package) if _NAMES.fullmatch(module) else None
    if spec is not None and spec.origin:
        origin = Path(spec.origin)
        place = Place(origin.parents[1] if origin.name == "__init__.py" else origin.parent, package)
        if (file := path_of(module, place)) is not None:
            return file, place
    raise InputError(f"{module}: no installed module has this name; a file's name ends in .py")
