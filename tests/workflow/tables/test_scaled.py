"""Scaled scores: 0 at the trivial predictor, 100 at the bound, whichever way is better; their mean on a page."""

import re
from pathlib import Path

import pytest

from workflow.page.heat_map import heat_map
from workflow.tables.made_table import MadeTable
from workflow.tables.scaled import scaled
from workflow.tables.table_spec import Column

UP, DOWN = Column("ap", "AP", "%", "up", "coco"), Column("mpjpe_mm", "MPJPE", "mm", "down", "h36m_3d")


@pytest.mark.parametrize(("column", "trivial", "bound"), [(UP, 20.0, 90.0), (DOWN, 240.0, 10.0)])
def test_the_ends_and_the_middle(column, trivial, bound):
    middle, worse = (trivial + bound) / 2, trivial - (bound - trivial) / 10
    assert [scaled(score, trivial, bound, column) for score in (trivial, middle, bound)] == [0, 50, 100]
    assert scaled(worse, trivial, bound, column) == pytest.approx(-10)


@pytest.mark.parametrize("column", [UP, DOWN])
def test_without_a_way_from_one_to_the_other_there_is_no_share(column):
    worse = 40.0 if column.better == "up" else 60.0
    for trivial, bound in ((50.0, 50.0), (50.0, worse), (None, 90.0), (50.0, None)):
        assert scaled(55.0, trivial, bound, column) is None
    assert scaled(None, 0.0, 100.0, UP) is None


def made(name, column, scores, *more):
    """A table of the rows' ``scores``, its first column ``column``."""
    records = [{"row": row, "method": row, "pretraining": "-", column.key: score} for row, score in scores.items()]
    columns = (column, *more)
    return MadeTable(Path(f"{name}.csv"), name, "demo", (0,), columns, tuple(records), (), (), (), "a", None, {})


def test_a_row_has_a_mean_if_every_benchmark_has_a_score():
    first = made("table1", UP, {"reference": 0.0, "bound": 80.0, "a": 40.0, "b": 20.0})
    probe = Column("frozen_mpjpe_mm", "frozen MPJPE", "mm", "down", "h36m_3d-probe")
    second = made("table4", DOWN, {"reference": 200.0, "bound": 0.0, "a": 180.0, "b": ""}, probe)
    mixed = made("table7", UP, {"reference": 0.0, "bound": 80.0, "a": 80.0, "c": 1.0}, DOWN)
    lines = re.findall(r"<tr>(.*?)</tr>", heat_map([first, second, mixed]))
    texts = [re.findall(r">([^<>]+)</t[dh]>", line) for line in lines]
    assert texts == [
        ["Row", "coco", "h36m_3d", "mean"], ["a (-)", "50.0", "10.0", "30.0"], ["b (-)", "25.0", "–", "–"]
    ]  # fmt: skip
    assert heat_map([first, mixed]) == ""
