"""Recipe modules are in no digest, so they hold what rules compare as JSON, and nothing that a result depends on."""

import ast

import pytest
from repository import REPOSITORY

from liftedcl.identity.code_digest import RECIPE_MODULES, WITHOUT_EFFECT

PACKAGES = ("liftedcl", "downstream", "synthetic", "workflow")


def tree_of(module: str) -> ast.Module:
    path = REPOSITORY.joinpath(*module.split("."))
    path = path.with_suffix(".py") if path.with_suffix(".py").exists() else path / "__init__.py"
    return ast.parse(path.read_text(encoding="utf-8"))


def is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def is_frozen_dataclass(node: ast.stmt) -> bool:
    """With fields, texts and a ``__post_init__`` of checks alone."""
    if not isinstance(node, ast.ClassDef):
        return False
    decorators = [ast.unparse(decorator) for decorator in node.decorator_list]
    frozen = len(decorators) == 1 and decorators[0].startswith("dataclass(frozen=True")
    return frozen and all(is_docstring(part) or isinstance(part, ast.AnnAssign) or checks(part) for part in node.body)


def checks(node: ast.stmt) -> bool:
    """A function that returns nothing and changes nothing: it computes locals and calls ``require...`` with them."""
    if not isinstance(node, ast.FunctionDef) or not node.name.startswith(("__post_init__", "_require")):
        return False
    return all(checks_something(part) for part in node.body)


def checks_something(node: ast.stmt) -> bool:
    if isinstance(node, ast.For | ast.If):
        return all(checks_something(part) for part in (*node.body, *node.orelse))
    if isinstance(node, ast.Assign):
        return all(isinstance(target, ast.Name) for target in node.targets)
    if not isinstance(node, ast.Expr) or is_docstring(node):
        return is_docstring(node)
    called = ast.unparse(node.value.func) if isinstance(node.value, ast.Call) else ""
    return called.startswith(("require", "_require")) or called == "super().__post_init__"


@pytest.mark.parametrize("module", RECIPE_MODULES)
def test_a_recipe_module_holds_frozen_dataclasses_constants_and_checks(module):
    for node in tree_of(module).body:
        constant = isinstance(node, ast.Assign | ast.AnnAssign) and "lambda" not in ast.unparse(node)
        plain = constant or isinstance(node, ast.Import | ast.ImportFrom) or is_docstring(node)
        assert plain or is_frozen_dataclass(node) or checks(node), f"{module}, line {node.lineno}: {ast.unparse(node)}"


def test_code_takes_nothing_but_dataclasses_from_recipe_modules():
    classes = {
        module: {node.name for node in tree_of(module).body if isinstance(node, ast.ClassDef)}
        for module in RECIPE_MODULES
    }
    for package in PACKAGES:
        for path in (REPOSITORY / package).rglob("*.py"):
            module = ".".join(path.relative_to(REPOSITORY).with_suffix("").parts)
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if module in RECIPE_MODULES or not isinstance(node, ast.Import | ast.ImportFrom):
                    continue
                names, source = {alias.name for alias in node.names}, getattr(node, "module", None)
                whole = {name if source is None else f"{source}.{name}" for name in names} & set(classes)
                others = names - classes.get(source, names)
                assert not whole | others, f"{module} takes {whole | others} from a module that is in no digest"


def test_every_module_without_effect_is_there_and_says_why():
    for module, reason in WITHOUT_EFFECT.items():
        assert tree_of(module).body and len(reason.split()) > 3
