"""A hash of the code that a stage runs, so that editing that code, and only that, makes its results stale.

Snakemake doesn't see edits of imported Python. The digest follows the project's own imports from a module, without
running anything, and hashes syntax trees: comments, docstrings and formatting don't count.
"""

import ast
import contextlib
import functools
import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("liftedcl", "downstream", "synthetic", "workflow")

RECIPE_MODULES = (
    "liftedcl.recipes.data_recipes", "liftedcl.recipes.encoder_recipe", "liftedcl.recipes.adamw_recipe",
    "liftedcl.recipes.completion_recipe", "liftedcl.recipes.multimodal_recipe", "synthetic.recipes",
    "downstream.training.training_recipe", "downstream.training.augmentation_recipe",
    "downstream.training.regions_recipe",
    "downstream.heatmap_pose.heatmap_recipe", "downstream.coco.recipe", "downstream.mpii.recipe",
    "downstream.h36m.shared.recipe", "downstream.h36m.shared.skeleton_prior_recipe", "downstream.pw3d.recipe",
    "downstream.lip.recipe", "downstream.h36m.parsing.recipe",
)  # fmt: skip
"""Modules of frozen dataclasses and the checks of their values, nothing else: rules compare the values, as JSON."""

WITHOUT_EFFECT = {
    "liftedcl.identity.code_digest": "computes the digests, and only these are compared",
    "liftedcl.identity.errors": "words the messages of runs that fail, which have no result",
    "liftedcl.identity.git": "says which commit a run is of, and no result depends on it",
    "liftedcl.identity.provenance": "writes the description of a run, and no result depends on it",
    "liftedcl.identity.recipe": "reads and writes recipes, whose values are compared",
    "liftedcl.identity.strict": "parses recipes, whose parsed values are compared",
    "liftedcl.identity.strict_text": "parses recipes, whose parsed values are compared",
    "liftedcl.recipes.backbone_names": "says which names backbones have, and a rule compares the name",
    "liftedcl.recipes.image_sets": "says which names sets of images have, and a rule compares the name",
    "liftedcl.recipes.outside_method": "says where a method's code is, whose own digest and commit are compared",
    "downstream.command_line": "declares arguments, whose values are compared",
    "liftedcl.engine.journal": "prints the progress of a run",
    "downstream.benchmark": "says what a benchmark consists of; each part is in a digest, or a rule compares it",
    "downstream.registry": "names each benchmark's modules, which are in a digest themselves",
    "synthetic.__main__": "names each data set's module, which is in a digest itself",
    **dict.fromkeys(RECIPE_MODULES, "holds dataclasses, whose values are compared"),
}
"""Modules that digests leave out, and why no result depends on their code."""


@dataclass(frozen=True)
class Place:
    """Where code from outside this project is: modules below ``folder``, those of ``package`` alone if that is given.

    Names of this project's own modules keep their meaning in there.
    """

    folder: Path
    package: str = ""


def code_of(*modules: str, place: Place | None = None) -> str:
    """The digests of ``modules`` (dotted names) and of all project modules that they import, sorted by name.

    With a ``place`` the modules there count as well.

    "liftedcl.engine.loop=1a2b3c4d liftedcl.files.atomic=...": a rule keeps this text as a parameter. It shows later
    which module's edit made a result stale.
    """
    closure = sorted(import_closure(*modules, place=place))
    return " ".join(f"{module}={_found_in(module, place)[0]}" for module in closure)


def code_digest(*modules: str, place: Place | None = None) -> str:
    """`code_of` as 16 hex digits, for the identity and the provenance of a run."""
    return hashlib.sha256(code_of(*modules, place=place).encode()).hexdigest()[:16]


def import_closure(*modules: str, place: Place | None = None) -> set[str]:
    """``modules`` and all project modules that they import, directly or not, except those in `WITHOUT_EFFECT`."""
    closure: set[str] = set()
    waiting = list(modules)
    while waiting:
        module = waiting.pop()
        if module not in closure and module not in WITHOUT_EFFECT:
            closure.add(module)
            waiting += _imports(module, place)
    return closure


@functools.cache
def path_of(module: str, place: Place | None = None) -> Path | None:
    """The file of a module of this project, or of one in ``place``; None if it is neither."""
    first, *_ = parts = module.split(".")
    if first in PACKAGES:
        base = _ROOT.joinpath(*parts)
    elif place is not None and first == (place.package or first):
        base = place.folder.joinpath(*parts)
    else:
        return None
    for path in (base.with_name(f"{base.name}.py"), base / "__init__.py"):
        if path.is_file():
            return path
    return None


def keep() -> None:
    """Write what was found in modules to where the next process looks first: a plan asks for hundreds of them."""
    body = json.dumps(_kept(), sort_keys=True)
    text, path = f"{_seal(body)}\n{body}", _keeping_place()
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    with contextlib.suppress(OSError):  # where nothing can be written each process reads all again
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            part.write_text(text, encoding="utf-8")
            part.replace(path)


@functools.cache
def _kept() -> dict[str, tuple[str, str, list[str]]]:
    """Module -> hash of its file, its digest and the names that it imports; what is found here is added to it."""
    with contextlib.suppress(OSError, ValueError):  # none yet, or a damaged file
        seal, body = _keeping_place().read_text(encoding="utf-8").split("\n")
        if seal == _seal(body):
            return json.loads(body)
    return {}


def _keeping_place() -> Path:
    return _ROOT / ".snakemake" / "code_digests"


def _seal(body: str) -> str:
    """A hash of what was found and of this file, which decides what is found."""
    return hashlib.sha256(Path(__file__).read_bytes() + body.encode()).hexdigest()


@functools.cache
def _found_in(module: str, place: Place | None) -> tuple[str, list[str]]:
    """The digest of a module and the names that it imports, each with the packages that it is in."""
    path = path_of(module, place)
    if path is None:
        raise ValueError(f"{module} is not a module of this project")
    source = path.read_bytes()
    if module.split(".")[0] not in PACKAGES:
        return _look_at(source, module, place)
    kept, content = _kept(), hashlib.sha256(f"{path.name}\0".encode() + source).hexdigest()
    if module not in kept or kept[module][0] != content:
        kept[module] = (content, *_look_at(source, module, place))
    return kept[module][1:]


def _look_at(source: bytes, module: str, place: Place | None) -> tuple[str, list[str]]:
    tree, found = ast.parse(source), set()
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            origin = ".".join(filter(None, (_package(module, node.level, place), node.module)))
            names = [origin, *(f"{origin}.{alias.name}" for alias in node.names)]
        for name in names:
            parts = name.split(".")
            found |= {".".join(parts[: n + 1]) for n in range(len(parts))}
    return digest_of(tree), sorted(found)


@functools.cache
def _imports(module: str, place: Place | None) -> tuple[str, ...]:
    return tuple(name for name in _found_in(module, place)[1] if path_of(name, place) is not None)


def _package(module: str, level: int, place: Place | None) -> str:
    """The package that ``level`` dots before an imported name mean in ``module``; "" for none."""
    path = path_of(module, place)
    parts = module.split(".") + ["__init__"] * (path is not None and path.name == "__init__.py")
    return ".".join(parts[:-level]) if level else ""


def digest_of(tree: ast.Module) -> str:
    """The digest of a module's syntax tree, without comments, docstrings and formatting; ``tree`` is changed."""
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [item for item in body if not _is_bare_string(item)] or [ast.Pass()]
    return hashlib.sha256(_dump(tree).encode()).hexdigest()[:8]


def _dump(value: object) -> str:
    """A syntax tree as text that is the same in every Python; `ast.dump` changes as nodes gain fields.

    Fields are sorted and empty ones left out, because an older Python doesn't know some of them.
    """
    if isinstance(value, list):
        return f"[{','.join(map(_dump, value))}]"
    if not isinstance(value, ast.AST):
        return ascii(value)
    fields = sorted((name, part) for name, part in ast.iter_fields(value) if part is not None and part != [])
    return f"{type(value).__name__}({','.join(f'{name}={_dump(part)}' for name, part in fields)})"


def _is_bare_string(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
