"""One encoder on all benchmarks: scores beside the trivial predictor's, and which way is better."""

import json
import sys

import pandas as pd
import pytest
from tiny.tables import TABLES, references

from downstream.registry import BENCHMARKS
from liftedcl.identity.errors import InputError
from liftedcl.identity.recipe import to_json
from workflow import overview
from workflow.layout import Layout
from workflow.tables.table_spec import main_tables

BY_BENCHMARK = main_tables(TABLES)


@pytest.fixture
def layout(tmp_path):
    """Runs whose scores are 10 better than the trivial predictor's 50, and 10 worse than the bound."""
    layout = Layout(str(tmp_path / "runs"))
    for benchmark, table in BY_BENCHMARK.items():
        run = tmp_path / layout.benchmark(benchmark, "random", 0)
        run.mkdir(parents=True)
        better, best = (
            {column.key: 50.0 + way if column.better == "up" else 50.0 - way for column in table.columns}
            for way in (10, 20)
        )
        (run / "metrics.json").write_text(json.dumps(better))
        (run / "provenance.json").write_text('{"wall_seconds": 12.5}')
        both = references(dict.fromkeys(better, 50.0), best)
        (tmp_path / layout.reference(benchmark)).write_text(json.dumps(both))
    return layout


def make(monkeypatch, layout, out):
    words = ["--tables", *map(to_json, BY_BENCHMARK.values()), "--row", "random", "--seed", "0", "--profile", "demo"]
    monkeypatch.setattr(sys, "argv", ["overview", *words, "--runs", layout.root, "--out", str(out)])
    overview.main()
    return pd.read_csv(out)


def test_every_metric_of_every_benchmark_has_a_line(layout, tmp_path, monkeypatch):
    table = make(monkeypatch, layout, tmp_path / "benchmarks_random.csv")
    assert list(dict.fromkeys(table["benchmark"])) == [*BY_BENCHMARK, "all"] and set(BY_BENCHMARK) == set(BENCHMARKS)
    metrics = table[table["benchmark"] != "all"]
    assert (metrics["beats_trivial"] == "yes").all() and (metrics["wall_seconds"] == 12.5).all()
    assert (table["profile"] == "demo").all() and (table["scaled"] == 50).all()
    text = (tmp_path / "benchmarks_random.md").read_text()
    assert "not the paper's experiment" in text and "PA-MPJPE" in text and "the mean is over the first metric" in text


def test_the_mean_is_of_first_metrics_alone(layout, tmp_path, monkeypatch):
    """A second metric at its bound changes nothing; a first one does, by a seventh of its way."""
    run = tmp_path / layout.benchmark("h36m_3d", "random", 0) / "metrics.json"
    for scores, mean in (
        ({"mpjpe_mm": 40.0, "pa_mpjpe_mm": 30.0}, 50),
        ({"mpjpe_mm": 30.0, "pa_mpjpe_mm": 50.0}, 57.14),
    ):
        run.write_text(json.dumps(scores))
        table = make(monkeypatch, layout, tmp_path / "t.csv")
        assert table["scaled"].iloc[-1] == mean and table["metric"].iloc[-1] == "mean of first metrics"
    run.write_text(json.dumps({"mpjpe_mm": None, "pa_mpjpe_mm": 50.0}))
    assert make(monkeypatch, layout, tmp_path / "t.csv")["scaled"].iloc[-1] == "not defined"


def test_an_equal_score_beats_nothing(layout, tmp_path, monkeypatch):
    reference = tmp_path / layout.reference("h36m_3d")
    worst, best = {"mpjpe_mm": 40.0, "pa_mpjpe_mm": 39.0}, {"mpjpe_mm": 0.0, "pa_mpjpe_mm": 0.0}
    reference.write_text(json.dumps(references(worst, best)))
    table = make(monkeypatch, layout, tmp_path / "t.csv").set_index(["benchmark", "metric"])
    assert table.loc[("h36m_3d", "MPJPE"), "beats_trivial"] == "no"
    assert table.loc[("h36m_3d", "PA-MPJPE"), "beats_trivial"] == "no"


def test_a_run_without_the_metric_is_named(layout, tmp_path):
    path = tmp_path / layout.benchmark("h36m_3d", "random", 0) / "metrics.json"
    path.write_text("{}")
    with pytest.raises(InputError, match=r"h36m_3d/random/seed0/metrics.json: holds no mpjpe_mm"):
        overview.overview(BY_BENCHMARK, row="random", seed=0, profile="demo", layout=layout)


@pytest.mark.parametrize("provenance", ["{}", "[]", '{"wall_seconds": true}', '{"wall_seconds": NaN}'])
def test_a_run_without_a_time_is_named(layout, tmp_path, provenance):
    path = tmp_path / layout.benchmark("h36m_3d", "random", 0) / "provenance.json"
    path.write_text(provenance)
    with pytest.raises(InputError, match=r"h36m_3d/random/seed0/provenance.json: holds no wall_seconds"):
        overview.overview(BY_BENCHMARK, row="random", seed=0, profile="demo", layout=layout)
