"""What a user of DVC expects: metrics, plots and parameters compared, experiments on a row."""

import csv
import json

import pytest
import yaml
from tiny.pipeline import call, commit, is_clean, jobs_in, planned, set_parameter


def test_metrics_show_the_numbers_of_the_tables(copy):
    shown = json.loads(call(copy, "dvc", "metrics", "show", "--json"))[""]["data"]
    with (copy / "results/table4.csv").open() as file:
        rows = {row["row"]: float(row["mpjpe_mm"]) for row in csv.DictReader(file)}
    assert len(rows) == 7  # two of them without an encoder
    for row, score in rows.items():
        assert shown[f"results/metrics/{row}.json"]["data"]["table4"]["mpjpe_mm"] == score


def test_plots_hold_the_histories(copy):
    call(copy, "dvc", "plots", "show")
    page = (copy / "dvc_plots/index.html").read_text()
    assert "Loss terms of LiftedCL" in page and "Effective rank of the features" in page


def test_a_rows_edit_shows_as_parameters_and_metrics_of_that_row(copy):
    set_parameter(copy, "profiles.demo.benchmarks.h36m_3d.learning_rate", 1.0e-4)
    changed = json.loads(call(copy, "dvc", "params", "diff", "--json"))["params.yaml"]
    assert list(changed) == ["profiles.demo.benchmarks.h36m_3d.learning_rate"]
    set_parameter(copy, "profiles.demo.benchmarks.h36m_3d.learning_rate", 3.0e-3)
    set_parameter(copy, "encoders.rows.liftedcl_in_cc.training", {"epochs": 1})
    call(copy, "dvc", "repro")
    assert set(json.loads(call(copy, "dvc", "metrics", "diff", "--json"))) == {"results/metrics/liftedcl_in_cc.json"}
    assert "liftedcl_in_cc" in call(copy, "dvc", "metrics", "diff", "--md")


SETTING = "+encoders.rows.liftedcl_in_cc.training={epochs: 1}"


@pytest.mark.parametrize("where", [[], ["--temp"]], ids=["here", "in a folder of its own"])
def test_an_experiment_on_a_row_runs_its_jobs_alone(copy, where):
    output = call(copy, "dvc", "exp", "run", *where, "--name", "short", "-S", SETTING)
    assert {row for _, row in jobs_in(output)} == {"", "liftedcl_in_cc"}
    if where:
        assert planned(copy) == [] and is_clean(copy)  # this folder is as it was
        commit(copy)
        call(copy, "dvc", "exp", "apply", "short")
    params = yaml.safe_load((copy / "params.yaml").read_text())
    assert params["encoders"]["rows"]["liftedcl_in_cc"]["training"] == {"epochs": 1}
    assert planned(copy) == [] and is_clean(copy)
    call(copy, "git", "checkout", ".")
    call(copy, "dvc", "checkout")
    assert planned(copy) == [] and is_clean(copy)
