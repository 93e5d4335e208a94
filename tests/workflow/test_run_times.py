"""What the runs took: every run once, however many tables show it."""

import csv
import json
from pathlib import Path

import cv2
import pytest
from tiny.tables import record

from liftedcl.identity.errors import InputError
from workflow.run_times import main, read_runs
from workflow.tables.recorded_runs import duration


def provenance(path, chains):
    """A table's provenance whose fine-tunings, as (run, record), began from one encoder."""
    encoders = [{"run": "runs/demo/encoders/random/seed0", "provenance": record(7.0)}]
    of = [{"run": run, "finetuning": took, "encoders": encoders} for run, took in chains]
    table = {
        "title": "t",
        "profile": "demo",
        "seeds": [0],
        "baseline": "random",
        "columns": {},
        "rows": {"random": {"h36m_3d": of}},
    }
    path.write_text(json.dumps(table | {"differences": []}))
    return str(path)


def times(tmp_path, *provenances):
    main(["--provenance", *provenances, "--out", str(tmp_path / "run_times.csv")])
    with (tmp_path / "run_times.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_run_of_several_tables_is_counted_once_and_the_later_record_holds(tmp_path):
    run, prior = "runs/demo/h36m_3d/random/seed0", "runs/demo/h36m_3d-prior/random/seed1"
    first = provenance(tmp_path / "a.provenance.json", [(run, record(46.5, started="2026-01-02T00:00:00Z"))])
    second = provenance(tmp_path / "b.provenance.json", [(run, record(10.0)), (prior, record(20.0)), (prior, None)])
    rows = times(tmp_path, first, second)
    assert [(row["kind"], row["row"], row["benchmark"], row["seed"], row["wall_seconds"]) for row in rows] == [
        ("encoder", "random", "", "0", "7.0"),
        ("fine-tuning", "random", "h36m_3d", "0", "46.5"),
        ("fine-tuning", "random", "h36m_3d-prior", "1", "20.0"),
    ]
    assert all((row["device"], row["peak_memory_mib"]) == ("cpu", "900") for row in rows)
    assert [run.wall_seconds for run in read_runs([Path(second), Path(first)])] == [7.0, 46.5, 20.0]
    assert cv2.imread(str(tmp_path / "run_times.png")).std() > 10


def test_the_figure_grows_with_what_was_run(tmp_path):
    def height(names):
        chains = [(f"runs/demo/{name}/random/seed0", record(5.0)) for name in names]
        times(tmp_path, provenance(tmp_path / "a.provenance.json", chains))
        return cv2.imread(str(tmp_path / "run_times.png")).shape[0]

    assert height(["coco", "lip", "mpii"]) > height(["coco"])


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.4, "0 s"), (46.5, "46 s"), (204, "3.4 min"), (45000, "12.5 h"), (99.7, "1.7 min")]
)
def test_durations_are_read_at_a_glance(seconds, words):
    assert duration(seconds) == words


@pytest.mark.parametrize(
    ("chains", "named"),
    [([("runs/demo/lip/r/seed0", {"seed": 0})], "record of a run is damaged"), ([("seed0", record(1.0))], "damaged")],
)
def test_a_damaged_record_is_named(tmp_path, chains, named):
    path = provenance(tmp_path / "a.provenance.json", chains)
    with pytest.raises(InputError, match=rf"a\.provenance\.json: .*{named}.*make the table again"):
        times(tmp_path, path)
    assert not list(tmp_path.glob("run_times*"))
