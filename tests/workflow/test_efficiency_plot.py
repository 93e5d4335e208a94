"""Data efficiency: each point of a line is the run with that fraction of the training set."""

import json
from pathlib import Path

import cv2
import pytest
from tiny.tables import PARAMS, TABLES, record, references

from liftedcl.files.atomic import write_json
from liftedcl.identity.errors import InputError
from workflow.efficiency_plot import efficiency_lines, plot_efficiency
from workflow.layout import Layout
from workflow.tables.__main__ import make_table
from workflow.tables.made_table import read_made_table

TABLE = TABLES["data_efficiency"]


@pytest.fixture
def table(tmp_path):
    """The table of runs whose every metric is the fraction that params.yaml gives them, and 7 more a row further on."""
    layout = Layout(str(tmp_path / "runs"))

    encoders = list(dict.fromkeys(row.encoder for row in TABLE.rows))
    for row in TABLE.rows:
        write_json(f"{layout.encoder(row.encoder, 0)}/provenance.json", record())
        for column in TABLE.columns:
            fraction = PARAMS.benchmarks[row.run(column.benchmark)].fraction
            run = Path(layout.benchmark(row.run(column.benchmark), row.encoder, 0))
            keys = [other.metric for other in TABLE.columns if other.benchmark == column.benchmark]
            write_json(run / "metrics.json", dict.fromkeys(keys, fraction + 7 * encoders.index(row.encoder)))
            write_json(run / "provenance.json", record(recipe={"fraction": fraction}))
            both = references(*(dict.fromkeys(keys, score) for score in (3.0, 4.0)))
            write_json(layout.reference(column.benchmark), both)
    make_table(TABLE, profile="demo", seeds=[0], layout=layout, out=tmp_path / "data_efficiency.csv")
    return tmp_path / "data_efficiency.csv"


def test_a_line_goes_through_the_runs_of_one_encoder(table):
    lines = efficiency_lines(read_made_table(table))
    assert [column.key for column in lines] == [column.key for column in TABLE.columns]
    for of in lines.values():
        assert list(of) == list(dict.fromkeys(row.encoder for row in TABLE.rows))
        for number, points in enumerate(of.values()):
            assert points == [
                (percent, pytest.approx(percent / 100 + 7 * number), 0.0) for percent in (1.0, 10.0, 20.0, 100.0)
            ]


def test_the_figure_has_a_panel_for_each_metric(table, tmp_path):
    plot_efficiency(table, tmp_path / "figure.png")
    assert cv2.imread(str(tmp_path / "figure.png")).std() > 10


def test_a_table_without_scores_is_refused(table):
    text = table.read_text().splitlines()
    empty = [",".join(cells[:4] + [""] * (len(cells) - 4)) for cells in (line.split(",") for line in text[1:])]
    table.write_text("\n".join([text[0], *empty]) + "\n")
    with pytest.raises(InputError, match=r"data_efficiency\.csv: "):
        plot_efficiency(table, table.with_suffix(".png"))


@pytest.mark.parametrize("fraction", [None, "0.1", 0, 7, True])
def test_a_provenance_without_a_fraction_is_named(table, fraction):
    path = table.with_suffix(".provenance.json")
    provenance = json.loads(path.read_text())
    runs = provenance["rows"][TABLE.rows[0].name][TABLE.columns[0].benchmark]
    if fraction is None:
        runs.clear()
    else:
        runs[0]["finetuning"]["recipe"]["fraction"] = fraction
    write_json(path, provenance)
    with pytest.raises(InputError, match=r"data_efficiency\.provenance\.json: holds no fraction of random"):
        plot_efficiency(table, table.with_suffix(".png"))
