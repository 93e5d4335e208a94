"""The table of lifted skeletons, and the line that says what its numbers mean."""

import csv
import dataclasses

import pytest

from liftedcl.files.atomic import write_json
from liftedcl.identity.errors import InputError
from liftedcl.skeletons.lifting_scores import LiftingScores, read_lifting_scores
from workflow.layout import Layout
from workflow.lifting import main, read_shown

SCORES = LiftingScores(
    people=684, pa_mpjpe_mm=110.06, mean_skeleton_mm=125.5, exchanged_mm=170.0, bones_in_range=0.75,
    true_bones_in_range=1.0, diversity=0.8, true_diversity=0.77,
)  # fmt: skip


def reading(**changes):
    return dataclasses.replace(SCORES, **changes).reading()


def test_the_reading_follows_from_the_numbers():
    assert reading() == "bodies that follow the people, nearer to them than the mean skeleton"
    assert reading(mean_skeleton_mm=100.0) == "bodies that follow the people, no nearer to them than the mean skeleton"
    assert reading(exchanged_mm=115.0) == "bodies that differ, but not as the people do"
    assert reading(exchanged_mm=90.0) == "bodies that differ, but not as the people do"
    assert reading(diversity=0.05) == "one body for all", "however near it is"


def test_the_line_holds_every_number():
    line = SCORES.in_one_line()
    for part in ("684 test people", "110.1 mm", "125.5", "170.0", "75%", "100%", "0.80", "0.77", SCORES.reading()):
        assert part in line
    assert "\n" not in line


@pytest.fixture
def table(tmp_path):
    """lifting.csv of two rows with two seeds each, of which the second row's are one body for all."""
    layout = Layout(str(tmp_path / "runs"))
    for row, diversity in (("lifts", 0.8), ("stuck", 0.0)):
        for seed in (0, 1):
            write_json(layout.lifting(row, seed), dataclasses.asdict(SCORES) | {"diversity": diversity + seed / 100})
    words = ["--rows", "lifts", "stuck", "--seeds", "0", "1", "--profile", "demo", "--runs", layout.root]
    main([*words, "--out", str(tmp_path / "lifting.csv")])
    return tmp_path / "lifting.csv"


def test_every_run_has_a_line_with_the_profile(table):
    lines = list(csv.DictReader(table.open()))
    assert [(line["profile"], line["row"], line["seed"]) for line in lines] == [
        ("demo", "lifts", "0"), ("demo", "lifts", "1"), ("demo", "stuck", "0"), ("demo", "stuck", "1"),
    ]  # fmt: skip
    assert float(lines[0]["pa_mpjpe_mm"]) == 110.06 and float(lines[1]["diversity"]) == 0.81
    assert [line["reading"] for line in lines][1:3] == [SCORES.reading(), "one body for all"]


def test_the_markdown_says_what_the_columns_mean(table):
    text = table.with_suffix(".md").read_text()
    assert "| demo | stuck | 1 | 684 | 110.1 | 125.5 | 170.0 | 75% | 0.01 | one body for all |" in text
    assert "not the paper's experiment" in text and "true poses themselves: in range 100%, diversity 0.77" in text
    head, rule = [line for line in text.splitlines() if line.startswith("|")][:2]
    assert head.count("|") == rule.count("|") == 11


def test_damage_is_named(table, tmp_path):
    table.write_text(table.read_text().replace("110.06", "near"))
    with pytest.raises(InputError, match=r"lifting\.csv: not the table of lifted skeletons, or damaged .*near"):
        read_shown(table)
    table.write_text("profile,row\n")
    with pytest.raises(InputError, match="no row"):
        read_shown(table)
    write_json(tmp_path / "lifting.json", dataclasses.asdict(SCORES) | {"people": "many"})
    with pytest.raises(InputError, match=r"lifting\.json: people: 'many' is not of type int"):
        read_lifting_scores(tmp_path / "lifting.json")
    for key, value in (("people", 0), ("pa_mpjpe_mm", -5.0), ("bones_in_range", 1.5), ("diversity", -0.1)):
        write_json(tmp_path / "lifting.json", dataclasses.asdict(SCORES) | {key: value})
        with pytest.raises(InputError, match=rf"lifting\.json: {key}: {value}"):
            read_lifting_scores(tmp_path / "lifting.json")
    with pytest.raises(InputError, match=r"none\.json: not found; make it again with python -m downstream\.lifting"):
        read_lifting_scores(tmp_path / "none.json")
