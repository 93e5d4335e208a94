"""From a cell of a table back to the data."""

import json
import subprocess
import sys

import pytest
from repository import REPOSITORY
from tiny.tables import TABLES, record, references

from liftedcl.files.atomic import write_json
from liftedcl.identity.errors import InputError
from workflow.explain import explain
from workflow.layout import Layout
from workflow.tables.__main__ import make_table

TABLE = TABLES["table4"]


@pytest.fixture
def table(tmp_path):
    """Table 4 of runs that all took 12.5 s; LiftedCL's encoder started from MoCo's."""
    layout = Layout(str(tmp_path / "runs"))

    for row in TABLE.rows:
        run, encoder = layout.benchmark("h36m_3d", row.encoder, 0), layout.encoder(row.encoder, 0)
        write_json(f"{run}/metrics.json", {"mpjpe_mm": 123.4, "pa_mpjpe_mm": 56.7})
        write_json(f"{run}/provenance.json", record(seed=0, inputs={"h36m_3d_train": "abc123"}))
        start = "moco_v2_in" if row.encoder == "liftedcl_in_cc" else None
        about = record(recipe={"start": start}, inputs={"images": f"of {row.encoder}"}, commit=None, no_commit="no git")
        write_json(f"{encoder}/provenance.json", about)
    both = references({"mpjpe_mm": 290.0, "pa_mpjpe_mm": 240.0}, {"mpjpe_mm": 2.0, "pa_mpjpe_mm": 1.0})
    write_json(layout.reference("h36m_3d"), both)
    make_table(TABLE, profile="demo", seeds=[0], layout=layout, out=tmp_path / "table4.csv")
    return tmp_path / "table4.csv"


@pytest.mark.parametrize("column", ["MPJPE", "mpjpe_mm"])
def test_the_chain_leads_to_the_first_encoder_and_the_data(table, column):
    lines = list(explain(table, "liftedcl_in_cc", column))
    assert lines[0] == "MPJPE of liftedcl_in_cc: 123.40 mm (profile demo)"
    places = [line.split("/")[-2] for line in lines if line.startswith("  f")]
    assert places == ["liftedcl_in_cc", "liftedcl_in_cc", "moco_v2_in"]
    for part in (
        "12.5 s",
        "h36m_3d_train: sha256 abc123",
        "of liftedcl_in_cc",
        "of moco_v2_in",
        "commit none (no git)",
    ):
        assert any(part in line for line in lines)


def test_the_trivial_predictor_has_no_network(table):
    lines = list(explain(table, "reference", "PA-MPJPE"))
    assert lines[0].startswith("PA-MPJPE of reference: 240.00 mm") and lines[1].endswith("runs/h36m_3d/reference.json")
    assert next(explain(table, "bound", "PA-MPJPE")).startswith("PA-MPJPE of bound: 1.00 mm")


@pytest.mark.parametrize(
    ("row", "column", "named"), [("rnd", "MPJPE", "no row 'rnd'"), ("random", "AP", "no column 'AP'")]
)
def test_what_the_table_lacks_is_named(table, row, column, named):
    with pytest.raises(InputError, match=named):
        list(explain(table, row, column))


def test_a_mistake_ends_in_one_line(tmp_path):
    command = [sys.executable, "-m", "workflow.explain", str(tmp_path / "t.csv"), "--row", "random", "--column", "AP"]
    run = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
    assert run.returncode == 2 and run.stderr.startswith("error: ") and run.stderr.count("\n") == 1


def warnings_of(table, row="liftedcl_in_cc"):
    return [line.split("WARNING: ")[1] for line in explain(table, row, "MPJPE") if "WARNING" in line]


def test_what_is_as_it_was_made_has_no_warning(table):
    assert warnings_of(table) == warnings_of(table, "reference") == []


@pytest.mark.parametrize(
    ("name", "row", "old", "new", "what"),
    [
        ("table4.csv", "liftedcl_in_cc", "123.4", "12.4", "the table that was made"),
        ("runs/h36m_3d/liftedcl_in_cc/seed0/metrics.json", "liftedcl_in_cc", "123.4", "12.4", "what the table was"),
        ("runs/h36m_3d/reference.json", "bound", "290.0", "29.0", "what the table was made from"),
    ],
)
def test_an_edited_file_is_not_vouched_for(table, name, row, old, new, what):
    path = table.parent / name
    path.write_text(path.read_text().replace(old, new))
    (warning,) = warnings_of(table, row)
    assert warning.startswith(f"{path} is not {what}") and "edited or damaged" in warning


def test_metrics_that_were_edited_before_the_table_was_made_are_told(table):
    run = table.parent / "runs/h36m_3d/random/seed0"
    write_json(run / "metrics.provenance.json", {"metrics_sha256": "0" * 64})
    assert [warning.split(" is not ")[1][:15] for warning in warnings_of(table, "random")] == ["what was scored"]


def test_a_table_without_checksums_says_so(table):
    provenance = table.with_suffix(".provenance.json")
    content = json.loads(provenance.read_text())
    del content["csv_sha256"]
    write_json(provenance, content)
    assert "no checksum of" in warnings_of(table, "random")[0]
