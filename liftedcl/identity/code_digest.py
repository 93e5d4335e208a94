"""A hash of the code that a stage runs, so that editing that code, and only that, makes its results stale.

Snakemake doesn't see edits of imported Python. The digest follows the project's own imports from a module, without
running anything, and hashes syntax trees: comments, docstrings and formatting don't count.
"""

import ast
import functools
import hashlib
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]
_PACKAGES = ("liftedcl", "downstream", "synthetic", "workflow")

WITHOUT_EFFECT = frozenset(
    {
        "liftedcl.identity.errors", "liftedcl.engine.journal", "liftedcl.identity.provenance",
        "liftedcl.identity.code_digest", "liftedcl.identity.strict", "liftedcl.methods", "downstream",
    }
)  # fmt: skip
"""Modules that word a failure, show progress or describe a run: no result depends on their code."""


def without_effect(module: str) -> bool:
    """Whether no result depends on a module's code; a recipe's numbers are compared as values, not as code."""
    return module in WITHOUT_EFFECT or module.endswith(("recipe", "recipes"))


def code_of(*modules: str) -> str:
    """``modules`` (dotted names) and every module of this project that they import, each with a digest of its own.

    Returns:
        "liftedcl.engine.loop=1a2b3c4d liftedcl.files.atomic=..." sorted by name. A rule keeps it as a parameter, so
        that it can be said later which module's edit made a result stale.
    """
    return " ".join(f"{module}={_short_digest(module)}" for module in sorted(import_closure(*modules)))


def code_digest(*modules: str) -> str:
    """`code_of` in 16 hex digits, for the identity of a run and its provenance."""
    return hashlib.sha256(code_of(*modules).encode()).hexdigest()[:16]


def import_closure(*modules: str) -> set[str]:
    """``modules`` and every module of this project that they import, directly or not, less those `without_effect`."""
    closure: set[str] = set()
    waiting = list(modules)
    while waiting:
        module = waiting.pop()
        if module not in closure and not without_effect(module):
            closure.add(module)
            waiting += _imports(module)
    return closure


def _path(module: str) -> Path | None:
    """The file of a module of this project, or None."""
    if module.split(".")[0] not in _PACKAGES:
        return None
    base = _ROOT.joinpath(*module.split("."))
    for path in (base.with_suffix(".py"), base / "__init__.py"):
        if path.is_file():
            return path
    return None


@functools.cache
def _parse(module: str) -> ast.Module:
    path = _path(module)
    if path is None:
        raise ValueError(f"{module} is no module of this project")
    return ast.parse(path.read_text(encoding="utf-8"))


@functools.cache
def _imports(module: str) -> tuple[str, ...]:
    found = set()
    for node in ast.walk(_parse(module)):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        for name in names:
            parts = name.split(".")
            found |= {".".join(parts[: n + 1]) for n in range(len(parts))}
    return tuple(sorted(name for name in found if _path(name) is not None))


@functools.cache
def _short_digest(module: str) -> str:
    tree = _parse(module)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [item for item in body if not _is_bare_string(item)] or [ast.Pass()]
    return hashlib.sha256(_dump(tree).encode()).hexdigest()[:8]


def _dump(value: object) -> str:
    """A syntax tree as text, the same in every Python: `ast.dump` isn't, since nodes gain fields with each release.

    Fields are sorted, and those that are empty left out, as an older release leaves out those that it doesn't know.
    """
    if isinstance(value, list):
        return f"[{','.join(map(_dump, value))}]"
    if not isinstance(value, ast.AST):
        return ascii(value)
    fields = sorted((name, part) for name, part in ast.iter_fields(value) if part is not None and part != [])
    return f"{type(value).__name__}({','.join(f'{name}={_dump(part)}' for name, part in fields)})"


def _is_bare_string(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
