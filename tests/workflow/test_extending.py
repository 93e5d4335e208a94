"""docs/extending.md followed to the letter: a method, and a benchmark with a data set of its own, come into a table."""

import csv
import json
import re
import shutil

import cv2
import numpy as np
import pytest
from repository import REPOSITORY, TINY, copy_to, run

TOY = REPOSITORY / "tests" / "tiny" / "toy"
ROW = "    colour_in: {method: colour, images: imagenet}\n"
FOLDER = "  grey: data/grey\n"
RECIPE = "  brightness: {epochs: 2, batch_size: 8, learning_rate: 1.0e-2, milestones: [], milestone_factor: 0.1}\n"
TABLE = """
brightness:
  title: brightness of grey squares
  benchmark: brightness
  columns:
    - {key: error, name: error, unit: "", better: down}
  reference: mean brightness of the training set
  baseline: random
  rows:
    - {encoder: random,    method: random initialisation, data: "-"}
    - {encoder: colour_in, method: mean colour,           data: IN}
  differences: []
  figures: []
"""


def insert(file, after, text):
    """Put ``text`` below the first line that begins with ``after``."""
    content, count = re.subn(
        rf"^{after}.*\n", lambda line: line[0] + text, file.read_text(), count=1, flags=re.MULTILINE
    )
    assert count == 1
    file.write_text(content)


def write_grey_squares(folder):
    rng = np.random.default_rng(0)
    labels = {split: {f"{split}{n}.png": float(rng.uniform(0.1, 0.9)) for n in range(count)}
              for split, count in (("train", 32), ("test", 12))}  # fmt: skip
    (folder / "images").mkdir(parents=True)
    for name, brightness in (labels["train"] | labels["test"]).items():
        square = rng.normal(255 * brightness, 8, (32, 32, 3)).clip(0, 255).astype(np.uint8)
        assert cv2.imwrite(str(folder / "images" / name), square)
    (folder / "labels.json").write_text(json.dumps(labels))


@pytest.fixture(scope="module")
def extended(tmp_path_factory):
    """A copy with the toy method (a file, a row) and the toy benchmark (a folder, its rows); nothing else is edited."""
    copy = copy_to(tmp_path_factory.mktemp("extended") / "repository")
    shutil.copy(TOY / "colour.py", copy / "liftedcl/methods/colour.py")
    shutil.copytree(TOY / "brightness", copy / "downstream/brightness")
    write_grey_squares(copy / "data/grey")
    insert(copy / "params.yaml", "data:", FOLDER)
    insert(copy / "params.yaml", "  rows:", ROW)
    insert(copy / "params.yaml", "benchmarks:", RECIPE)
    tables = copy / "workflow/tables/tables.yaml"
    tables.write_text(tables.read_text() + TABLE)
    return copy


def test_they_become_rows_and_columns_of_a_table(extended):
    status, output = run(extended, "results/brightness.csv", "results/examples_brightness_colour_in.png", *TINY)
    assert status == 0, output
    rows = {row["row"]: row for row in csv.DictReader((extended / "results/brightness.csv").open())}
    assert rows.keys() == {"reference", "bound", "random", "colour_in"} and float(rows.pop("bound")["error"]) == 0
    assert all(float(row["error"]) > 0 for row in rows.values())
    provenance = json.loads((extended / "results/brightness.provenance.json").read_text())
    (chain,) = provenance["rows"]["colour_in"]["brightness"]
    assert "grey/labels.json" in chain["finetuning"]["inputs"]
    assert chain["encoders"][0]["provenance"]["recipe"]["method"] == "colour"
    assert "Nothing to be done" in run(extended, "-n", "results/brightness.csv", *TINY)[1]


def test_their_code_and_their_data_make_their_own_jobs_stale(extended):
    score = extended / "downstream/brightness/scores.py"
    score.write_text(score.read_text() + "UNUSED = 1\n")
    status, output = run(extended, "-n", "results/brightness.csv", *TINY)
    assert status == 0 and "score_brightness" in output and "train_brightness" not in output


def test_data_that_are_not_there_are_named_like_any_others(extended):
    shutil.move(extended / "data/grey", extended / "data/elsewhere")
    status, output = run(extended, "-n", "results/brightness.csv", *TINY)
    assert status != 0 and "grey: grey squares" in output and "missing  data/grey/labels.json" in output
