"""docs/extending.md followed to the letter: what workflow.create writes comes into a table."""

import csv
import json
import re
import shutil
import subprocess
import sys

import pytest
from repository import REPOSITORY, TINY, copy_to, run

from liftedcl.checks.method_checks import check_gradients, check_momentum, check_resume, check_shapes, small
from liftedcl.identity.errors import InputError
from workflow.check_method import recipe_of
from workflow.create.__main__ import create_benchmark, create_method


def insert(file, after, text):
    """Put ``text`` below the first line that begins with ``after``."""
    content, count = re.subn(
        rf"^{after}.*\n", lambda line: line[0] + text, file.read_text(), count=1, flags=re.MULTILINE
    )
    assert count == 1
    file.write_text(content)


@pytest.fixture(scope="module")
def extended(tmp_path_factory):
    """A copy with a created method (a file, a row) and a created benchmark (a folder, its rows) as they are written."""
    copy = copy_to(tmp_path_factory.mktemp("extended") / "repository")
    (row,) = create_method("colour", copy / "liftedcl/methods").values()
    assert row.startswith("    colour: {module: ")
    insert(copy / "params.yaml", "  rows:", "    colour_in: {method: colour, images: imagenet}\n")
    folder, recipe, table = create_benchmark("brightness", copy).values()
    insert(copy / "params.yaml", "data:", folder)
    insert(copy / "params.yaml", "benchmarks:", recipe)
    tables = copy / "workflow/tables/tables.yaml"
    own = "  rows:\n    - {encoder: colour_in, method: mean colour, data: IN}\n"
    tables.write_text(tables.read_text() + table.replace("  rows:\n", own).replace("extends: true", "extends: false"))
    subprocess.run([sys.executable, "-m", "downstream.brightness"], cwd=copy, check=True)
    return copy


def test_a_created_method_passes_every_check_of_one_process(tmp_path):
    create_method("mine", tmp_path)
    recipe = small(recipe_of(str(tmp_path / "mine.py"), None, REPOSITORY / "params.yaml", "demo"))
    for check in (check_shapes, check_gradients, check_momentum, check_resume):
        check(recipe, tmp_path)


def test_what_is_there_is_never_overwritten(tmp_path):
    for name, problem in (("mine", "is there already"), ("Mine", "no name of a module"), ("class", "no name")):
        (tmp_path / "mine.py").write_text("mine")
        with pytest.raises(InputError, match=problem):
            create_method(name, tmp_path)
    with pytest.raises(InputError, match="a benchmark or a data set already"):
        create_benchmark("coco", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.py"]


@pytest.mark.long
def test_they_become_rows_and_columns_of_a_table(extended):
    status, output = run(extended, "results/brightness.csv", "results/examples_brightness_colour_in.png", *TINY)
    assert status == 0, output
    rows = {row["row"]: row for row in csv.DictReader((extended / "results/brightness.csv").open())}
    assert rows.keys() == {"reference", "bound", "random", "colour_in"} and float(rows.pop("bound")["error"]) == 0
    assert all(float(row["error"]) > 0 for row in rows.values())
    provenance = json.loads((extended / "results/brightness.provenance.json").read_text())
    (chain,) = provenance["rows"]["colour_in"]["brightness"]
    assert "brightness/labels.json" in chain["finetuning"]["inputs"]
    assert chain["encoders"][0]["provenance"]["recipe"]["method"] == "colour"
    assert "Nothing to be done" in run(extended, "-n", "results/brightness.csv", *TINY)[1]


@pytest.mark.long
def test_their_code_and_their_data_make_their_own_jobs_stale(extended):
    score = extended / "downstream/brightness/scores.py"
    score.write_text(score.read_text() + "UNUSED = 1\n")
    status, output = run(extended, "-n", "results/brightness.csv", *TINY)
    assert status == 0 and "score_brightness" in output and "train_brightness" not in output


@pytest.mark.long
def test_data_that_are_not_there_are_named_like_any_others(extended):
    shutil.move(extended / "data/brightness", extended / "data/elsewhere")
    status, output = run(extended, "-n", "results/brightness.csv", *TINY)
    assert status != 0 and "brightness: grey squares" in output and "missing  data/brightness/labels.json" in output
