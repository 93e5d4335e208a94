"""What a profile shows: which rows, and which tables have a column of the frozen encoders."""

import json
import re

import pandas as pd
import pytest
from repository import REPOSITORY
from tiny.tables import TABLES, record, references

from liftedcl.files.atomic import write_json
from liftedcl.identity.errors import InputError
from workflow.explain import explain
from workflow.layout import Layout
from workflow.overview import overview
from workflow.page.score_table import table_html
from workflow.params import read_params
from workflow.tables.__main__ import make_table
from workflow.tables.made_table import read_made_table
from workflow.tables.shown_tables import read_tables
from workflow.tables.table_spec import main_tables

FILE = REPOSITORY / "workflow" / "tables" / "tables.yaml"
MINE = {"encoders": {"rows": {"mine": {"method": "own", "file": "mine.pt"}}}}
EXTENDING = [name for name, table in TABLES.items() if table.extends and name != "vit"]
"""Of the ResNets; the tests of families of backbones are in test_families.py."""


def shown(**overrides):
    return read_tables(FILE, read_params(REPOSITORY / "params.yaml", overrides))


def encoders(table):
    return list(dict.fromkeys(row.encoder for row in table.rows))


def test_the_demo_shows_the_rows_that_the_papers_differences_need_and_the_others_show_all():
    tables = shown(profile="demo")
    for number in range(1, 7):
        table, whole = tables[f"table{number}"], TABLES[f"table{number}"]
        compared = {name for of in whole.differences for name in (of.row, of.against)}
        assert table.differences == whole.differences and compared <= set(encoders(table))
        assert [row.method for row in table.rows] == [
            "random initialisation", "supervised", "MoCo-v2", "PixPro", "LiftedCL"
        ]  # fmt: skip
        assert [row.data for row in table.rows] == ["-", "IN", "IN+CC", "IN+CC", "IN+CC"]
    for number in (7, 8, 9):
        assert tables[f"table{number}"] == TABLES[f"table{number}"]
    assert shown(profile="study") == shown(profile="paper") == TABLES
    assert all(len(TABLES[f"table{number}"].rows) == 11 for number in range(1, 7))


def test_a_profile_may_make_some_tables_only():
    tables = shown(profile="paper", tables={"made": ["probe", "table4"]})
    assert tables == {name: TABLES[name] for name in ("probe", "table4")}


def test_a_selection_hides_rows_in_every_variant_but_never_ones_own():
    chosen = ["supervised_in", "random"]
    tables = shown(profile="demo", tables={"rows": chosen}, **MINE)
    beyond = {"probe", "h36m_probe", "data_efficiency", "h36m_efficiency", "h36m_parsing"}
    assert set(EXTENDING) == {f"table{number}" for number in range(1, 7)} | beyond
    for name in EXTENDING:
        assert encoders(tables[name]) == ["random", "supervised_in", "mine"], "in the order of the table"
        assert tables[name].differences == (), "they need rows that are not there"
        assert {row.variant for row in tables[name].rows} == {row.variant for row in TABLES[name].rows}


@pytest.mark.parametrize(
    ("tables", "named"),
    [
        (
            {"rows": ["random", "superviced_in"]},
            "params.yaml: tables.rows: 'superviced_in' is not one of random, superv",
        ),
        (
            {"rows": ["random"]},
            "params.yaml: tables.rows: lacks supervised_in, the baseline of table1; add its encoder",
        ),
        ({"made": ["table4", "tabel4"]}, "params.yaml: tables.made: 'tabel4' is not one of table1, table2"),
        ({"frozen": ["tabel4"]}, "params.yaml: tables.frozen: 'tabel4' is none of table1, table2"),
        *(
            (
                {"frozen": [name]},
                f"params.yaml: tables.frozen: {name!r} is none of table1, table2, table3, table4, table5, table6, "
                "table7, table8, h36m_parsing, the tables that can show frozen encoders",
            )
            for name in ("table9", "probe", "h36m_probe", "data_efficiency", "h36m_efficiency", "hcmoco")
        ),
        ({"frosen": []}, "params.yaml: tables.frosen: unknown key; did you mean frozen?"),
    ],
)
def test_a_mistake_in_the_choice_is_named(tables, named):
    with pytest.raises(InputError, match=re.escape(named)):
        shown(tables=tables)


def test_any_table_without_variants_can_show_the_first_metric_of_each_benchmark_with_the_encoder_frozen_too():
    names = [f"table{number}" for number in range(1, 9)]
    for name, table in shown(profile="paper", tables={"frozen": names}).items():
        whole = TABLES[name]
        if name not in names:
            assert table == whole
            continue
        assert tuple(column for column in table.columns if not column.frozen) == whole.columns
        benchmarks = []
        for before, column in zip(table.columns, table.columns[1:], strict=False):
            if column.frozen:
                assert before.benchmark not in benchmarks
                benchmarks.append(before.benchmark)
                assert (column.unit, column.better, column.metric) == (before.unit, before.better, before.key)
                assert (column.key, column.name) == (f"frozen_{before.key}", f"frozen {before.name}")
        assert set(benchmarks) == {column.benchmark for column in whole.columns}
        added = set(table.runs([0])) - set(whole.runs([0]))
        assert added == {(f"{benchmark}-probe", row.encoder, 0) for row in whole.rows for benchmark in benchmarks}
        assert table.differences == whole.differences


@pytest.fixture
def runs(tmp_path):
    """The demo's table 4: MPJPE of row i, seed s is 100 + 10 i + s fine-tuned, and 300 - 5 i + (s + i) % 2 frozen."""
    layout = Layout(str(tmp_path / "runs"))
    for i, row in enumerate(shown(profile="demo")["table4"].rows):
        for seed in range(3):
            values = {"h36m_3d": 100.0 + 10 * i + seed, "h36m_3d-probe": 300.0 - 5 * i + (seed + i) % 2}
            for run, value in values.items():
                folder = layout.benchmark(run, row.encoder, seed)
                write_json(f"{folder}/metrics.json", {"mpjpe_mm": value, "pa_mpjpe_mm": value / 2})
                write_json(f"{folder}/provenance.json", record(seed=seed, of=run))
            write_json(f"{layout.encoder(row.encoder, seed)}/provenance.json", record())
    worst, best = {"mpjpe_mm": 290.0, "pa_mpjpe_mm": 240.0}, {"mpjpe_mm": 2.0, "pa_mpjpe_mm": 1.0}
    write_json(layout.reference("h36m_3d"), references(worst, best))
    return layout


def test_frozen_scores_stand_beside_the_fine_tuned_ones(runs, tmp_path):
    table, out = shown(profile="demo")["table4"], tmp_path / "table4.csv"
    make_table(table, profile="demo", seeds=[0, 1, 2], layout=runs, out=out)
    made = pd.read_csv(out).set_index("row")
    for row, score in (("reference", 290), ("bound", 2)):
        assert made.loc[row, "frozen_mpjpe_mm"] == made.loc[row, "mpjpe_mm"] == score
    for i, row in enumerate(table.rows):
        assert made.loc[row.encoder, "mpjpe_mm"] == 101 + 10 * i
        assert made.loc[row.encoder, "frozen_mpjpe_mm"] == pytest.approx(300 - 5 * i + (1 + i % 2) / 3)
        assert made.loc[row.encoder, "pa_mpjpe_mm"] == pytest.approx((101 + 10 * i) / 2)
    supervised = 1  # the baseline's number; row 3 has its deviations, so the difference is the same for every seed
    assert made.loc["pixpro_in_cc", "frozen_mpjpe_mm_difference"] == made.loc["pixpro_in_cc", "frozen_mpjpe_mm_low"]
    assert made.loc["pixpro_in_cc", "frozen_mpjpe_mm_difference"] == -5 * (3 - supervised)
    assert "frozen" not in made.loc["liftedcl_in_cc", "measured_here"], (
        "what the paper states is of fine-tuned encoders"
    )
    text, tex = (out.with_suffix(ending).read_text() for ending in (".md", ".tex"))
    assert "| MPJPE (mm) | frozen MPJPE (mm) | PA-MPJPE (mm) |" in text
    assert "MPJPE (mm) & frozen MPJPE (mm) & PA-MPJPE (mm)" in tex
    for form in (text, tex, table_html(read_made_table(out))):
        assert "frozen MPJPE: only the head is trained" in form
    rows = json.loads(out.with_suffix(".provenance.json").read_text())["rows"]
    assert rows["random"]["h36m_3d-probe"][2]["finetuning"] == record(seed=2, of="h36m_3d-probe")


@pytest.mark.parametrize("column", ["frozen MPJPE", "frozen_mpjpe_mm"])
def test_a_frozen_score_leads_to_its_own_runs(runs, tmp_path, column):
    out = tmp_path / "table4.csv"
    make_table(shown(profile="demo")["table4"], profile="demo", seeds=[0], layout=runs, out=out)
    lines = list(explain(out, "supervised_in", column))
    assert lines[0] == "frozen MPJPE of supervised_in: 296.00 mm (profile demo)"
    assert [line for line in lines if "fine-tuning" in line] == [
        f"  fine-tuning {runs.benchmark('h36m_3d-probe', 'supervised_in', 0)}"
    ]
    assert list(explain(out, "reference", column))[1].endswith("runs/h36m_3d/reference.json")


def test_the_overview_of_an_encoder_is_of_fine_tuned_ones(runs):
    table = main_tables(shown(profile="demo"))["h36m_3d"]
    assert table.title == TABLES["table4"].title
    records = overview({"h36m_3d": table}, row="random", seed=1, profile="demo", layout=runs)
    assert [(of["metric"], of["score"]) for of in records[:-1]] == [("MPJPE", 101.0), ("PA-MPJPE", 50.5)]


def test_a_table_may_have_a_column_of_any_variant(tmp_path):
    """The frozen columns need nothing that tables.yaml can't say."""
    old, new = (
        "{key: pckh_10, name: PCKh@0.1, ",
        "{key: tenth, metric: pckh_50, name: of 10%, benchmark: mpii-data10, ",
    )
    (tmp_path / "tables.yaml").write_text(FILE.read_text().replace(old, new, 1))
    table = read_tables(tmp_path / "tables.yaml", read_params(REPOSITORY / "params.yaml"))["table2"]
    assert [(column.key, column.metric) for column in table.columns] == [("pckh_50", "pckh_50"), ("tenth", "pckh_50")]
    assert {run for run, *_ in table.runs([0])} == {"mpii", "mpii-data10"}
