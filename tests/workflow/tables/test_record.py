"""A recorded result: what it copies and sums up, and that those of docs/results can be run again."""

import dataclasses
import json

import pytest
from repository import REPOSITORY
from scipy import stats
from tiny.tables import TABLES, record, references

from liftedcl.files.atomic import write_json
from liftedcl.identity.errors import InputError
from liftedcl.identity.recipe import to_json
from workflow.layout import Layout
from workflow.params import read_params
from workflow.tables.__main__ import make_table
from workflow.tables.record import main

SCORES = {"random": (30.0, 31.0, 33.5), "liftedcl_cc": (35.0, 35.5, 34.0)}
ROWS = tuple(row for row in TABLES["table7"].rows if row.encoder in SCORES)
TABLE = dataclasses.replace(TABLES["table7"], rows=ROWS, baseline="random", differences=())


@pytest.fixture
def tables(tmp_path):
    """Table 7 as profile `small` would make it: two rows with three seeds each."""
    layout = Layout(str(tmp_path / "runs"))
    for row, scores in SCORES.items():
        for seed, score in enumerate(scores):
            for benchmark, metrics in (("h36m_2d", {"jdr": score}), ("h36m_3d", {"pa_mpjpe_mm": 2 * score})):
                folder = layout.benchmark(benchmark, row, seed)
                write_json(f"{folder}/metrics.json", metrics)
                written = {"recipe": {"of": benchmark}, "packages": {"torch": "2"}, "commit": "abc"}
                write_json(f"{folder}/provenance.json", record(60.0, **written))
            encoder = {"recipe": {"of": row}, "packages": {"numpy": "2"}, "commit": "abd"}
            write_json(f"{layout.encoder(row, seed)}/provenance.json", record(90.0, **encoder))
    for benchmark, key in (("h36m_2d", "jdr"), ("h36m_3d", "pa_mpjpe_mm")):
        write_json(layout.reference(benchmark), references({key: 25.0}, {key: 95.0}))
    out = tmp_path / "table7.csv"
    make_table(TABLE, profile="small", seeds=[0, 1, 2], layout=layout, out=out)
    return out


def test_copies_intervals_and_a_summary_are_written(tables, tmp_path):
    (tmp_path / "note.txt").write_text("beside")
    out = tmp_path / "kept"
    main([str(tables), "--beside", str(tmp_path / "note.txt"), "--out", str(out)])
    for name in ("table7.csv", "table7.md", "note.txt"):
        assert (out / name).read_bytes() == (tmp_path / name).read_bytes()
    summary = json.loads((out / "provenance.json").read_text())
    assert (summary["profile"], summary["seeds"], summary["days"]) == ("small", [0, 1, 2], ["2026-01-01", "2026-01-01"])
    assert (summary["commits"], summary["packages"]) == (["abc", "abd"], {"torch": "2", "numpy": "2"})
    assert (summary["runs"], summary["minutes"]) == (2 * 3 * 3, 2 * 3 * 2 * 1 + 2 * 3 * 1.5)
    assert summary["encoders"] == {row: {"of": row} for row in SCORES}
    assert summary["benchmarks"] == {name: {"of": name} for name in ("h36m_2d", "h36m_3d")}
    lines = (out / "intervals.md").read_text().splitlines()
    for row in ROWS:
        scores = SCORES[row.encoder]
        low, high = stats.t.interval(0.95, 2, loc=sum(scores) / 3, scale=stats.sem(scores))
        line = next(line for line in lines if line.startswith(f"| {row.method} | {row.data} |"))
        assert f"| {sum(scores) / 3:.1f} [{low:.1f}, {high:.1f}] |" in line


def test_a_missing_file_and_tables_of_two_profiles_are_refused_with_nothing_written(tables, tmp_path):
    out = tmp_path / "kept"
    with pytest.raises(InputError, match=r"nothing\.png: not found"):
        main([str(tables), "--beside", str(tmp_path / "nothing.png"), "--out", str(out)])
    other = tmp_path / "other.csv"
    make_table(TABLE, profile="demo", seeds=[0, 1, 2], layout=Layout(str(tmp_path / "runs")), out=other)
    with pytest.raises(InputError, match=r"table7\.csv \(small\).*other\.csv \(demo\).*not of one profile"):
        main([str(tables), str(other), "--out", str(out)])
    assert not out.exists()


def differences(recorded, now, where):
    """Where two recipes differ in what both have: keys that came, went or were renamed since are no other numbers."""
    if isinstance(recorded, dict) and isinstance(now, dict):
        for key in recorded.keys() & now.keys():
            yield from differences(recorded[key], now[key], f"{where}.{key}")
    elif recorded != now:
        yield f"{where}: recorded with {recorded}, now {now}"


@pytest.mark.parametrize("profile", ["small", "longer"])
def test_the_recorded_results_were_made_with_recipes_that_are_still_there(profile):
    recorded = json.loads((REPOSITORY / f"docs/results/{profile}/provenance.json").read_text())
    assert recorded["profile"] == profile
    params = read_params(REPOSITORY / "params.yaml", {"profile": profile})
    assert list(params.seeds) == recorded["seeds"]
    assert "liftedcl_in_cc" in recorded["encoders"] and "h36m_3d-probe" in recorded["benchmarks"]
    for kind, recipes in (("encoders", params.encoders), ("benchmarks", params.benchmarks)):
        for name, recipe in recorded[kind].items():
            changed = list(differences(recipe, json.loads(to_json(recipes[name])), f"{kind}.{name}"))
            assert not changed, f"{changed}: record the results again"
