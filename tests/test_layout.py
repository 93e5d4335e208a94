"""The layout: imports run one way between folders, none goes round, files and folders stay small; planning is light."""

import ast
import graphlib
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from repository import REPOSITORY

ORDER = (
    "liftedcl/identity", "liftedcl/files",
    "liftedcl/data_sets/description.py", "liftedcl/data_sets/coco", "liftedcl/data_sets/h36m",
    "liftedcl/data_sets/imagenet", "liftedcl/data_sets/mpii", "liftedcl/data_sets/ntu", "liftedcl/data_sets/people",
    "liftedcl/data_sets/weights", "liftedcl/data_sets",
    "liftedcl/skeletons", "liftedcl/recipes", "liftedcl/engine",
    "liftedcl/images", "liftedcl/views", "liftedcl/losses", "liftedcl/networks", "liftedcl/monitor",
    "liftedcl/importing", "liftedcl/methods/parts", "liftedcl/methods", "liftedcl", "liftedcl/checks",
    "downstream/reading", "downstream/training", "downstream/samples", "downstream/heatmap_pose",
    "downstream/label_maps", "downstream/imagenet", "downstream/ntu",
    "downstream/benchmark.py", "downstream/metrics.py", "downstream/coco",
    "downstream/mpii", "downstream/h36m/shared", "downstream/h36m/pose_2d", "downstream/h36m/pose_3d",
    "downstream/h36m/parsing", "downstream/h36m/release", "downstream/h36m",
    "downstream/pw3d/files.py", "downstream/pw3d/plausible.py", "downstream/pw3d/recipe.py",
    "downstream/pw3d/body", "downstream/pw3d/network", "downstream/pw3d", "downstream/lip", "downstream",
    "synthetic/textures", "synthetic/people", "synthetic/props", "synthetic/renderer", "synthetic",
    "workflow/cluster_recipe.py", "workflow/benchmark_recipes.py", "workflow/params.py", "workflow/layout.py",
    "workflow/tables", "workflow", "workflow/page", "workflow/why", "workflow/compare", "workflow/status",
    "workflow/cite", "workflow/create",
)  # fmt: skip
"""A folder imports itself and those before it. A file is named where it belongs before its folder's other files."""

FORBIDDEN = {
    "synthetic": ("torch",), "workflow": ("torch", "cv2"), "liftedcl": ("snakemake",), "downstream": ("snakemake",),
}  # fmt: skip


def modules():
    """Dotted name -> path of every module of the packages."""
    found = {}
    for package in ("liftedcl", "downstream", "synthetic", "workflow"):
        for path in sorted((REPOSITORY / package).rglob("*.py")):
            path = path.relative_to(REPOSITORY)
            parts = path.parent.parts if path.name == "__init__.py" else path.with_suffix("").parts
            found[".".join(parts)] = path
    return found


def imported(path):
    """Dotted names that a file imports, each with all that it may stand for; what only type checkers see counts too."""
    for node in ast.walk(ast.parse((REPOSITORY / path).read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


MODULES = modules()
IMPORTS = {name: {other for other in imported(path) if other in MODULES} for name, path in MODULES.items()}


def place(path):
    """Where a file is in `ORDER`."""
    return ORDER.index(str(path) if str(path) in ORDER else str(path.parent))


def test_every_folder_has_its_place():
    assert {str(path.parent) for path in MODULES.values()} <= set(ORDER)


def test_imports_run_one_way_between_folders():
    against = [
        f"{MODULES[name]} imports {MODULES[other]}"
        for name, others in IMPORTS.items()
        for other in others
        if place(MODULES[other]) > place(MODULES[name]) and MODULES[other].name != "__init__.py"
    ]
    assert against == []


def test_no_import_goes_round():
    files = {
        name: {other for other in others if MODULES[other].name != "__init__.py"} for name, others in IMPORTS.items()
    }
    graphlib.TopologicalSorter(files).prepare()  # raises CycleError with the modules


def test_files_and_folders_stay_small():
    lines = {str(path): len((REPOSITORY / path).read_text().splitlines()) for path in MODULES.values()}
    assert {path: count for path, count in lines.items() if count > 250} == {}
    tests = [path for path in (REPOSITORY / "tests").rglob("*.py") if path.name != "__init__.py"]
    sources = [REPOSITORY / path for path in MODULES.values() if path.name != "__init__.py"]
    crowded = Counter(path.parent for path in (*sources, *tests))
    assert {folder: count for folder, count in crowded.items() if count > 20} == {}


@pytest.mark.parametrize("folder", FORBIDDEN)
def test_packages_do_without_others(folder):
    for name, path in MODULES.items():
        if name.split(".")[0] == folder and path.name != "bake.py":
            wrong = {other.split(".")[0] for other in imported(path)} & set(FORBIDDEN[folder])
            assert not wrong, f"{path} imports {wrong}"


def test_the_engine_knows_no_method_and_no_benchmark():
    names = set(imported(Path("liftedcl/engine/loop.py")))
    assert not {name for name in names if name.startswith(("liftedcl.methods", "liftedcl.recipe", "downstream"))}


def test_planning_a_run_needs_no_torch():
    listed = (
        "liftedcl.identity.recipe, liftedcl.methods, liftedcl.recipes.weight_sources, liftedcl.identity.code_digest, "
        "liftedcl.images.own_people, downstream.registry, workflow.tables.__main__"
    )
    code = f"import sys, {listed}, workflow.data_sets; sys.exit('torch' in sys.modules or 'cv2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY).returncode == 0
