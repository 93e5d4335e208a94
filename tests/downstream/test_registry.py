"""Which code a benchmark's jobs run: an edit of a metric or of a drawing must train nothing, and scoring no torch."""

import ast
import subprocess
import sys

import pytest
from repository import REPOSITORY

from downstream.registry import BENCHMARKS, finetune_modules, score_modules
from liftedcl.identity.code_digest import code_digest, import_closure

PARTS = ("task", "scores", "drawings", "reference")
DATA_SETS = sorted({entry.package.split(".")[1] for entry in BENCHMARKS.values()})


def test_every_benchmark_is_found_and_its_parts_are_there():
    assert list(BENCHMARKS) == ["coco", "h36m_parsing", "h36m_2d", "h36m_3d", "lip", "mpii", "pw3d"]
    for entry in BENCHMARKS.values():
        for part in PARTS:
            assert REPOSITORY.joinpath(*entry.module(part).split(".")).with_suffix(".py").is_file()
        assert hasattr(entry.load("task"), entry.task)


@pytest.mark.parametrize("name", BENCHMARKS)
def test_each_job_depends_on_its_own_code_alone(name):
    entry = BENCHMARKS[name]
    own_task, own_scores, own_drawings, _ = map(entry.module, PARTS)
    train, score, draw = (
        import_closure(*modules)
        for modules in (finetune_modules(name), score_modules(name), ("downstream.draw", own_drawings))
    )
    assert own_task in train and own_scores in score and own_drawings in draw
    tasks, scores, drawings, _ = ({other.module(part) for other in BENCHMARKS.values()} for part in PARTS)
    assert train.isdisjoint(scores | drawings | tasks - {own_task})
    assert score.isdisjoint(tasks | drawings | scores - {own_scores})
    assert draw.isdisjoint(tasks | scores)
    assert "downstream.samples.overlay" not in train | score


@pytest.mark.parametrize(("name", "module"), [("lip", "downstream.lip.schedule"), ("pw3d", "downstream.pw3d.data")])
def test_what_a_recipe_means_for_an_epoch_is_code_of_its_training(name, module):
    """Recipe modules are in no digest; when a round ends, and which levels an epoch trains, is decided elsewhere."""
    assert module in import_closure(*finetune_modules(name))


def test_benchmarks_have_a_digest_of_their_own_code():
    assert len({code_digest(*finetune_modules(name)) for name in BENCHMARKS}) == len(BENCHMARKS)


def test_scores_and_references_need_no_torch():
    """Nor do the commands of the data sets, and every module that says so. The error names who imports it."""
    modules = ["downstream.score", "downstream.reference", *(f"downstream.{name}.__main__" for name in DATA_SETS)]
    modules += [entry.module(part) for entry in BENCHMARKS.values() for part in ("scores", "reference")]
    for path in sorted((REPOSITORY / "downstream").rglob("*.py")):
        if "No torch" in (ast.get_docstring(ast.parse(path.read_text())) or ""):
            modules.append(".".join(path.relative_to(REPOSITORY).with_suffix("").parts))
    assert len(modules) > 40
    code = f"import sys; sys.modules['torch'] = None; import {', '.join(modules)}"
    run = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
