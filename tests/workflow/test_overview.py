"""One encoder on all benchmarks: scores beside the trivial predictor's, and which way is better."""

import json
import sys

import pandas as pd
import pytest
from tiny.tables import TABLES

from downstream.registry import BENCHMARKS
from liftedcl.identity.errors import InputError
from liftedcl.identity.recipe import to_json
from workflow import overview
from workflow.layout import Layout
from workflow.tables.table_spec import main_tables

BY_BENCHMARK = main_tables(TABLES)


@pytest.fixture
def layout(tmp_path):
    """Runs whose scores are 10 better than the trivial predictor's 50."""
    layout = Layout(str(tmp_path / "runs"))
    for benchmark, table in BY_BENCHMARK.items():
        run = tmp_path / layout.benchmark(benchmark, "random", 0)
        run.mkdir(parents=True)
        better = {column.key: 60.0 if column.better == "up" else 40.0 for column in table.columns}
        (run / "metrics.json").write_text(json.dumps(better))
        (run / "provenance.json").write_text('{"wall_seconds": 12.5}')
        (tmp_path / layout.reference(benchmark)).write_text(json.dumps(dict.fromkeys(better, 50.0)))
    return layout


def make(monkeypatch, layout, out):
    words = ["--tables", *map(to_json, BY_BENCHMARK.values()), "--row", "random", "--seed", "0", "--profile", "demo"]
    monkeypatch.setattr(sys, "argv", ["overview", *words, "--runs", layout.root, "--out", str(out)])
    overview.main()
    return pd.read_csv(out)


def test_every_metric_of_every_benchmark_has_a_line(layout, tmp_path, monkeypatch):
    table = make(monkeypatch, layout, tmp_path / "benchmarks_random.csv")
    assert list(dict.fromkeys(table["benchmark"])) == list(BY_BENCHMARK) and set(BY_BENCHMARK) == set(BENCHMARKS)
    assert (table["beats_trivial"] == "yes").all() and (table["wall_seconds"] == 12.5).all()
    assert (table["profile"] == "demo").all()
    text = (tmp_path / "benchmarks_random.md").read_text()
    assert "not the paper's experiment" in text and "PA-MPJPE" in text


def test_an_equal_score_beats_nothing(layout, tmp_path, monkeypatch):
    reference = tmp_path / layout.reference("h36m_3d")
    reference.write_text(json.dumps({"mpjpe_mm": 40.0, "pa_mpjpe_mm": 39.0}))
    table = make(monkeypatch, layout, tmp_path / "t.csv").set_index(["benchmark", "metric"])
    assert table.loc[("h36m_3d", "MPJPE"), "beats_trivial"] == "no"
    assert table.loc[("h36m_3d", "PA-MPJPE"), "beats_trivial"] == "no"


def test_a_run_without_the_metric_is_named(layout, tmp_path):
    path = tmp_path / layout.benchmark("h36m_3d", "random", 0) / "metrics.json"
    path.write_text("{}")
    with pytest.raises(InputError, match=r"h36m_3d/random/seed0/metrics.json: holds no number mpjpe_mm"):
        overview.overview(BY_BENCHMARK, row="random", seed=0, profile="demo", layout=layout)
