"""Who may import whom: encoders know nothing of the benchmarks that judge them, and what plans a run needs no torch."""

import ast
import subprocess
import sys

import pytest
from repository import REPOSITORY

FORBIDDEN = {
    "liftedcl": ("downstream", "workflow", "snakemake"),
    "downstream": ("liftedcl.methods", "liftedcl.pretrain", "synthetic", "workflow", "snakemake"),
    "workflow": ("torch", "cv2"),
    "synthetic": ("liftedcl.prior", "torch"),
}


def imported(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("folder", FORBIDDEN)
def test_packages_keep_to_their_side(folder):
    files = [path for path in (REPOSITORY / folder).rglob("*.py") if path.name != "bake.py"]
    assert files
    for path in files:
        for name in imported(path):
            wrong = [other for other in FORBIDDEN[folder] if name == other or name.startswith(other + ".")]
            assert not wrong, f"{path.relative_to(REPOSITORY)} imports {name}"


def test_the_engine_knows_no_method_and_no_benchmark():
    names = set(imported(REPOSITORY / "liftedcl" / "engine" / "loop.py"))
    assert not {
        name for name in names if name.startswith(("liftedcl.methods", "liftedcl.identity.recipe", "downstream"))
    }


def test_planning_a_run_needs_no_torch():
    modules = (
        "liftedcl.identity.recipe, liftedcl.methods, liftedcl.recipes.weight_sources, liftedcl.identity.code_digest, "
        "liftedcl.images.own_people, downstream, workflow.tables.__main__"
    )
    code = f"import sys, {modules}, workflow.data_sets; sys.exit('torch' in sys.modules or 'cv2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY).returncode == 0
