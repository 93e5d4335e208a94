"""Tables: every value from a stored run, its profile in every row, the paper's words beside ours."""

import csv
import dataclasses
import html
import io
import itertools
import json
import re
import subprocess
import sys

import pandas as pd
import pytest
from repository import REPOSITORY
from tiny.tables import PARAMS, TABLES, record, references

from liftedcl.files.atomic import write_json
from liftedcl.identity.errors import InputError
from liftedcl.identity.recipe import to_json
from workflow.layout import Layout
from workflow.page.score_table import table_html
from workflow.tables.__main__ import make_table
from workflow.tables.made_table import read_made_table
from workflow.tables.partial_tables import missing_runs, write_partial_table
from workflow.tables.shown_tables import read_tables
from workflow.tables.stored_scores import why_no_score

TABLE = TABLES["table4"]


@pytest.fixture
def runs(tmp_path):
    """Finished runs of two seeds whose metrics are known: row i, seed s gives 100 + 10 i + s."""
    layout = Layout(str(tmp_path / "runs"))

    for i, row in enumerate(TABLE.rows):
        for seed in (0, 1):
            run = layout.benchmark(TABLE.benchmark, row.encoder, seed)
            write_json(f"{run}/metrics.json", {"mpjpe_mm": 100.0 + 10 * i + seed, "pa_mpjpe_mm": 50.0 - i})
            write_json(f"{run}/provenance.json", record(seed=seed, of="finetuning"))
            write_json(f"{layout.encoder(row.encoder, seed)}/provenance.json", record(seed=seed, of="encoder"))
            write_json(f"{layout.encoder(row.encoder, seed)}/encoder.pt", "weights")
    worst, best = {"mpjpe_mm": 290.0, "pa_mpjpe_mm": 240.0}, {"mpjpe_mm": 2.0, "pa_mpjpe_mm": 1.0}
    write_json(layout.reference(TABLE.benchmark), references(worst, best))
    return layout


def test_values_are_those_of_the_runs(runs, tmp_path):
    out = tmp_path / "results" / "table4.csv"
    make_table(TABLE, profile="demo", seeds=[0, 1], layout=runs, out=out)
    table = pd.read_csv(out).set_index("row")
    assert table.index.tolist() == ["reference", "bound", *(row.encoder for row in TABLE.rows)]
    assert (table["profile"] == "demo").all()
    assert table.loc["reference", "mpjpe_mm"] == 290.0 and table.loc["bound", "mpjpe_mm"] == 2.0
    for i, row in enumerate(TABLE.rows):
        assert table.loc[row.encoder, "mpjpe_mm"] == 100.5 + 10 * i
        assert table.loc[row.encoder, "mpjpe_mm_std"] == pytest.approx(0.5**0.5)
        assert table.loc[row.encoder, "pa_mpjpe_mm"] == 50.0 - i


def test_how_the_scores_were_taken_stands_in_the_table(runs, tmp_path):
    table = dataclasses.replace(TABLE, settings={"boxes": "person boxes"})
    run = tmp_path / runs.benchmark(table.benchmark, table.rows[0].encoder, 0) / "metrics.json"
    run.write_text(json.dumps({**json.loads(run.read_text()), "boxes": "detector"}))
    make_table(table, profile="demo", seeds=[0], layout=runs, out=tmp_path / "table4.csv")
    assert pd.read_csv(tmp_path / "table4.csv").set_index("row").loc[table.rows[0].encoder, "boxes"] == "detector"
    assert "- person boxes: detector (random initialisation (-)); unknown\n" in (tmp_path / "table4.md").read_text()


def test_the_papers_differences_stand_beside_ours(runs, tmp_path):
    out = tmp_path / "table4.csv"
    make_table(TABLE, profile="demo", seeds=[0], layout=runs, out=out)
    row = pd.read_csv(out).set_index("row").loc["liftedcl_in_cc"]
    pixpro, supervised = row["paper_says"].split("; ")
    assert pixpro == "MPJPE -1.8 mm, PA-MPJPE -0.8 mm against PixPro (IN+CC) (paper, section 4.2)"
    assert supervised.startswith("PA-MPJPE -2.2 mm against supervised (IN)")
    ours = row["measured_here"].split("; ")
    pixpro, supervised = (
        next(i for i, row in enumerate(TABLE.rows) if row.encoder == name) for name in ("pixpro_in_cc", "supervised_in")
    )
    lifted = next(i for i, row in enumerate(TABLE.rows) if row.encoder == "liftedcl_in_cc")
    assert ours == [
        f"MPJPE {10 * (lifted - pixpro):+.1f} mm (one seed: no verdict), "
        f"PA-MPJPE {pixpro - lifted:+.1f} mm (one seed: no verdict) against PixPro (IN+CC)",
        f"PA-MPJPE {supervised - lifted:+.1f} mm (one seed: no verdict) against supervised (IN)",
    ]


def test_a_source_may_hold_any_sign(runs, tmp_path):
    difference = dataclasses.replace(TABLE.differences[0], source="paper, introduction; another in section 4.2")
    make_table(
        dataclasses.replace(TABLE, differences=(difference,)),
        profile="demo", seeds=[0], layout=runs, out=tmp_path / "t.csv",
    )  # fmt: skip
    text = (tmp_path / "t.md").read_text()
    assert "(paper, introduction; another in section 4.2); measured here (demo): MPJPE" in text


def test_seeds_give_an_interval_and_a_verdict(runs, tmp_path):
    """A difference that is the same for every seed is beyond noise; one that changes its sign is within it."""
    metrics = tmp_path / runs.benchmark(TABLE.benchmark, "liftedcl_in_cc", 1) / "metrics.json"
    metrics.write_text(json.dumps({**json.loads(metrics.read_text()), "pa_mpjpe_mm": 70.0}))
    make_table(TABLE, profile="demo", seeds=[0, 1], layout=runs, out=tmp_path / "t.csv")
    row = pd.read_csv(tmp_path / "t.csv").set_index("row").loc["liftedcl_in_cc"]
    lifted, supervised = (
        next(i for i, row in enumerate(TABLE.rows) if row.encoder == name)
        for name in ("liftedcl_in_cc", "supervised_in")
    )
    shift = 10.0 * (lifted - supervised)
    assert (row["mpjpe_mm_difference"], row["mpjpe_mm_low"], row["mpjpe_mm_high"]) == (shift, shift, shift)
    assert row["pa_mpjpe_mm_low"] < 0 < row["pa_mpjpe_mm_high"] and row["pa_mpjpe_mm_p"] > 0.05
    assert "MPJPE +10.0 mm [+10.0, +10.0] (disagree), PA-MPJPE" in row["measured_here"]
    assert "(within noise) against PixPro" in row["measured_here"]


def test_one_seed_marks_nothing_and_judges_nothing_in_any_form(runs, tmp_path):
    """The same table with two seeds does both: PA-MPJPE falls by exactly 1 mm from row to row, whatever the seed."""
    forms = {
        ".csv": "(agree)",
        ".md": "**40.0",
        ".tex": r"\textbf",
        ".provenance.json": '"agree"',
    }
    for seeds in ([0], [0, 1]):
        make_table(TABLE, profile="demo", seeds=seeds, layout=runs, out=tmp_path / "t.csv")
        texts = {form: (tmp_path / f"t{form}").read_text() for form in forms}
        texts["page"] = table_html(read_made_table(tmp_path / "t.csv"))
        assert ('number best"' in texts["page"]) == (len(seeds) > 1)
        for form, mark in forms.items():
            assert (mark in texts[form]) == (len(seeds) > 1), (form, seeds)
        judged = [text for form, text in texts.items() if form != ".tex"]
        assert all(("one seed: no verdict" in text) == (len(seeds) == 1) for text in judged)
        said = [texts[form] for form in (".md", ".tex", "page")]
        assert all(("One seed: no row is marked" in text) == (len(seeds) == 1) for text in said)
        assert all(("Bold: the best" in text) == (len(seeds) > 1) for text in said)
        assert "agree" not in "".join(texts.values()) or len(seeds) > 1


def test_rows_that_did_not_finish_say_why_and_the_others_come_out(runs, tmp_path):
    diverged, gone = (tmp_path / runs.benchmark(TABLE.benchmark, row, 0) for row in ("densecl_in", "setsim_in"))
    for folder in (diverged, gone):
        (folder / "metrics.json").unlink()
    (diverged / "log.txt").write_text("[densecl_in] 1/9 steps\nerror: the loss is not finite at step 7\n")
    (tmp_path / runs.encoder("setsim_in", 0) / "encoder.pt").unlink()
    make_table(TABLE, profile="demo", seeds=[0], layout=runs, out=tmp_path / "t.csv", partly=True)
    table = pd.read_csv(tmp_path / "t.csv").set_index("row")
    assert table["mpjpe_mm"].isna().sum() == 2 and table.loc["random", "mpjpe_mm"] == 100
    assert table.loc["densecl_in", "missing"].endswith("/densecl_in/seed0 stopped: the loss is not finite at step 7")
    assert table.loc["setsim_in", "missing"].endswith("encoders/setsim_in/seed0 was not run to its end")
    text = (tmp_path / "t.md").read_text()
    assert text.count("| missing | missing |") == 2 and "DenseCL (IN) is missing: " in text


@pytest.mark.parametrize(
    ("content", "reason"), [('{"mpjpe_mm": -5, "pa_mpjpe_mm": 3}', "mpjpe_mm is -5"), ("{", "not valid JSON")]
)
def test_a_row_with_damaged_metrics_names_the_file_and_the_others_come_out(runs, tmp_path, content, reason):
    """The job that makes the whole table ends in one line; then this table is made of the others."""
    run = tmp_path / runs.benchmark(TABLE.benchmark, "densecl_in", 0) / "metrics.json"
    run.write_text(content)
    assert missing_runs(TABLE, [0], runs) == 1
    line = write_partial_table(TABLE, profile="demo", seeds=[0], layout=runs, out=tmp_path / "t.csv")
    assert f"1 of {len(TABLE.rows)} runs are missing" in line
    table = pd.read_csv(tmp_path / "t.csv").set_index("row")
    assert table["mpjpe_mm"].isna().sum() == 1 and table.loc["random", "mpjpe_mm"] == 100
    assert f"densecl_in/seed0/metrics.json: {reason}" in table.loc["densecl_in", "missing"]
    assert "make it with snakemake" in (tmp_path / "t.md").read_text()


def test_a_metric_that_the_test_set_cannot_give_says_so(runs, tmp_path):
    """As COCO's AP of medium people where there are none: null, not a number and not an error."""
    run = tmp_path / runs.benchmark(TABLE.benchmark, "random", 0) / "metrics.json"
    run.write_text('{"mpjpe_mm": null, "pa_mpjpe_mm": 3.0}')
    make_table(TABLE, profile="demo", seeds=[0], layout=runs, out=tmp_path / "t.csv")
    row = pd.read_csv(tmp_path / "t.csv").set_index("row").loc["random"]
    assert pd.isna(row["mpjpe_mm"]) and row["pa_mpjpe_mm"] == 3
    assert row["missing"] == "MPJPE is not defined on this test set"


def test_no_row_is_best_where_all_print_the_same(runs, tmp_path):
    for row, seed in itertools.product(TABLE.rows, (0, 1)):
        run = tmp_path / runs.benchmark(TABLE.benchmark, row.encoder, seed) / "metrics.json"
        run.write_text(json.dumps({"mpjpe_mm": 0.01 * len(row.encoder) / 10, "pa_mpjpe_mm": float(len(row.encoder))}))
    make_table(TABLE, profile="demo", seeds=[0, 1], layout=runs, out=tmp_path / "t.csv")
    text = (tmp_path / "t.md").read_text()
    assert text.count("**6.0 ± 0.0**") == 1 and "**0.0" not in text
    assert "-0.0" not in text and "MPJPE +0.0 mm" in text


def test_latex_escapes_and_marks_the_best(runs, tmp_path):
    table = dataclasses.replace(TABLE, columns=(dataclasses.replace(TABLE.columns[1], unit="%p", name="A_B"),))
    table = dataclasses.replace(table, differences=())
    make_table(table, profile="demo", seeds=[0, 1], layout=runs, out=tmp_path / "t.csv")
    text = (tmp_path / "t.tex").read_text()
    assert r"A\_B (\%p)" in text and r"\textbf{40.0 $\pm$ 0.0}" in text and text.count(r"\textbf") == 1
    assert text.count(r" \\") == len(TABLE.rows) + 3 and "not the paper's experiment" in text
    assert text.count("demo &") == len(TABLE.rows) + 2


def test_a_row_can_be_a_variant_and_a_column_of_another_benchmark(runs, tmp_path):
    prior = TABLES["table9"]
    for row in prior.rows:
        for value, benchmark in enumerate(prior.benchmarks):
            run = tmp_path / runs.benchmark(row.run(benchmark), row.encoder, 0)
            run.mkdir(parents=True, exist_ok=True)
            (run / "metrics.json").write_text(json.dumps({"jdr": value + len(row.name), "pa_mpjpe_mm": value}))
            (run / "provenance.json").write_text(json.dumps(record()))
    (tmp_path / runs.reference("h36m_2d")).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / runs.reference("h36m_2d")).write_text(json.dumps(references({"jdr": 1}, {"jdr": 90})))
    make_table(prior, profile="demo", seeds=[0], layout=runs, out=tmp_path / "t.csv")
    table = pd.read_csv(tmp_path / "t.csv").set_index("row")
    assert table.loc["supervised_in-prior", "jdr"] == len("supervised_in-prior")
    assert (table["pa_mpjpe_mm"].drop("reference") == 1).all()
    chains = json.loads((tmp_path / "t.provenance.json").read_text())["rows"]["supervised_in-prior"]
    assert chains["h36m_3d"][0]["run"].endswith("h36m_3d-prior/supervised_in/seed0")


def test_demo_values_are_marked_wherever_they_stand(runs, tmp_path):
    make_table(TABLE, profile="demo", seeds=[0], layout=runs, out=tmp_path / "table4.csv")
    text = (tmp_path / "table4.md").read_text()
    rows = [line for line in text.splitlines() if line.startswith("| ") and "profile" not in line]
    assert len(rows) == len(TABLE.rows) + 2
    assert all(line.startswith("| demo |") for line in rows)
    assert "not the paper's experiment" in text
    make_table(TABLE, profile="paper", seeds=[0], layout=runs, out=tmp_path / "table4.csv")
    assert "not the paper's experiment" not in (tmp_path / "table4.md").read_text()


def test_every_cell_leads_to_its_runs(runs, tmp_path):
    make_table(TABLE, profile="demo", seeds=[0, 1], layout=runs, out=tmp_path / "table4.csv")
    provenance = json.loads((tmp_path / "table4.provenance.json").read_text())
    assert set(provenance["rows"]) == {row.encoder for row in TABLE.rows}
    for of in provenance["rows"].values():
        chains = of[TABLE.benchmark]
        assert [chain["finetuning"]["seed"] for chain in chains] == [0, 1]
        assert [chain["encoders"][0]["provenance"]["of"] for chain in chains] == ["encoder", "encoder"]


def test_a_missing_run_is_named_and_nothing_is_written(runs, tmp_path):
    with pytest.raises(InputError, match=r"seed7/metrics.json: not found"):
        make_table(TABLE, profile="demo", seeds=[7], layout=runs, out=tmp_path / "table4.csv")
    assert not list(tmp_path.glob("*table4*"))


def test_a_table_of_unknown_rows_is_refused(tmp_path):
    text = (REPOSITORY / "workflow" / "tables" / "tables.yaml").read_text().replace("encoder: random,", "encoder: rnd,")
    (tmp_path / "tables.yaml").write_text(text)
    with pytest.raises(InputError, match="'rnd' is not a row of params"):
        read_tables(tmp_path / "tables.yaml", PARAMS)


def test_encoders_that_no_table_names_come_into_those_that_extend():
    recipe = PARAMS.encoders["random"]
    mine = dataclasses.replace(recipe, method="own", file="mine.pt")
    later = dataclasses.replace(PARAMS.encoders["liftedcl_in_cc"], images="people", start="mine")
    params = dataclasses.replace(PARAMS, encoders={**PARAMS.encoders, "mine": mine, "mine_later": later})
    tables = read_tables(REPOSITORY / "workflow" / "tables" / "tables.yaml", params)
    for name, table in tables.items():
        added = [(row.name, row.method, row.data) for row in table.rows if row.encoder.startswith("mine")]
        before = [row.name for row in TABLES[name].rows]
        assert [row.name for row in table.rows][: len(before)] == before
        if name in ("table7", "table8", "table9", "vit", "hcmoco", "hcmoco_depth"):
            assert added == []
        elif name in ("data_efficiency", "h36m_efficiency"):
            parts = ("-data1", "-data10", "-data20", "") if name == "data_efficiency" else ("-data10", "")
            assert [row for row, *_ in added] == [f"{row}{part}" for row in ("mine", "mine_later") for part in parts]
            assert ("mine-data10", "mine, data10", "own") in added
        else:
            ending = "-probe" if name in ("probe", "h36m_probe") else ""
            assert added == [
                (f"mine{ending}", "mine", "own"), (f"mine_later{ending}", "mine_later", "own, then people")
            ]  # fmt: skip


def test_a_table_is_made_again_without_torch(runs, tmp_path):
    make_table(TABLE, profile="demo", seeds=[0, 1], layout=runs, out=tmp_path / "t.csv")
    words = ["--table", to_json(TABLE), "--profile", "demo", "--seeds", "0", "1", "--runs", runs.root]
    words += ["--out", str(tmp_path / "again.csv")]
    code = "import sys; sys.modules['torch'] = None; from workflow.tables.__main__ import main; main()"
    subprocess.run([sys.executable, "-c", code, *words], cwd=REPOSITORY, check=True)
    for ending in (".csv", ".md", ".tex", ".provenance.json"):
        assert (tmp_path / f"again{ending}").read_bytes() == (tmp_path / f"t{ending}").read_bytes()


@pytest.mark.parametrize("module", ["overview", "explain", "all_provenance", "run_times", "page.__main__"])
def test_what_reads_tables_needs_no_torch(module):
    code = f"import sys; sys.modules['torch'] = None; import workflow.{module}"
    subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, check=True)


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        (
            "benchmark: h36m_3d",
            "benchmark: h36m",
            "'h36m' is none of coco, h36m_parsing, h36m_2d, h36m_3d, lip, ",
        ),
        ("figures: [figure5,", "figures: [figure9,", "'figure9' is none of"),
        ("variant: prior", "variant: priors", "supervised_in-priors: h36m_2d has no variant 'priors'"),
        ("against: pixpro_in_cc", "against: pixpro", "table1.differences: 'pixpro' is none of random"),
        ("values: {jdr: 0.9}", "values: {jdt: 0.9}", "table3.differences: 'jdt' is none of jdr"),
        ("baseline: supervised_in", "baseline: supervised", "table1.baseline: 'supervised' is none of"),
        ("encoder: densecl_in, ", "encoder: pixpro_in, ", "table1.rows: 'pixpro_in' appears twice"),
        ("title: ", "titel: ", "table1.titel: unknown key"),
        ("table1:", "lifting:", "lifting: a name is letters, digits and _, and no other file's in results/"),
        ("table1:", "benchmarks_x:", "benchmarks_x: a name is"),
        ("table1:", "../x:", "../x: a name is"),
        ("{key: ap, ", "{key: row, ", "table1: 'row' is a column of the csv already"),
        ("{key: ap50, ", "{key: ap_std, ", "table1: 'ap_std' is a column of the csv already"),
        ("{boxes: person boxes}", "{ap: person boxes}", "table1: 'ap' is a column of the csv already"),
        ("rows:", "rows: [", "not valid YAML"),
    ],
)
def test_a_mistake_in_tables_yaml_is_named(tmp_path, old, new, named):
    text = (REPOSITORY / "workflow" / "tables" / "tables.yaml").read_text()
    (tmp_path / "tables.yaml").write_text(text.replace(old, new, 1))
    with pytest.raises(InputError, match=re.escape(named)):
        read_tables(tmp_path / "tables.yaml", PARAMS)


@pytest.mark.parametrize("content", ["{}", "[]", "5", '{"pa_mpjpe_mm": 12.0}'])
def test_metrics_without_the_metric_are_refused(runs, tmp_path, content):
    path = tmp_path / "runs" / TABLE.benchmark / "random" / "seed0" / "metrics.json"
    path.write_text(content)
    with pytest.raises(InputError, match=r"random/seed0/metrics.json: holds no mpjpe_mm"):
        make_table(TABLE, profile="demo", seeds=[0], layout=runs, out=tmp_path / "table4.csv")


@pytest.mark.parametrize("place", ["h36m_3d/random/seed0/metrics.json", "h36m_3d/reference.json"])
@pytest.mark.parametrize("value", ["true", '"12"', "NaN", "-Infinity", "1e400", "1" + 400 * "0", "-5", "[3]", "{}"])
def test_what_can_be_no_score_is_named_with_its_file_and_no_table_is_made(runs, tmp_path, place, value):
    path = tmp_path / "runs" / place
    scores = f'{{"mpjpe_mm": {value}, "pa_mpjpe_mm": 3.0}}'
    path.write_text(f'{{"trivial": {scores}, "bound": {scores}}}' if "reference" in place else scores)
    with pytest.raises(InputError, match=rf"{place}: mpjpe_mm is .*, no"):
        make_table(TABLE, profile="demo", seeds=[0], layout=runs, out=tmp_path / "table4.csv")
    assert not list(tmp_path.glob("*table4*"))


def test_a_share_is_at_most_100_percent_and_any_other_unit_has_any_finite_score():
    column = dataclasses.replace(TABLE.columns[0], unit="%")
    for value, fits in ((0, True), (100.0, True), (100 + 1e-9, True), (-1, False), (101.0, False)):
        assert (why_no_score(column, value) == "") == fits
    column = dataclasses.replace(column, unit="")
    assert why_no_score(column, -1e9) == "" and "not a finite number" in why_no_score(column, float("inf"))


@pytest.mark.parametrize(
    ("provenance", "said"),
    [
        ({"recipe": {"start": "random"}}, "random/seed0/provenance.json: start: 'random' leads back to itself"),
        ({"recipe": {"start": 5}}, "random/seed0/provenance.json: damaged, 5 is where"),
        ({"recipe": [1]}, "provenance.json: damaged"),
        ([1], "provenance.json: damaged"),
    ],
)
def test_a_provenance_that_leads_nowhere_is_named(runs, tmp_path, provenance, said):
    write_json(tmp_path / runs.encoder("random", 0) / "provenance.json", provenance)
    with pytest.raises(InputError, match=re.escape(said)):
        make_table(TABLE, profile="demo", seeds=[0], layout=runs, out=tmp_path / "t.csv")


LABELS = [
    "<img src=x onerror=alert(1)>", "<script>alert(1)</script>",
    "a & b_c % d", "100% #1 {x} $y$ ^z ~w \\input{/etc/passwd}", "=cmd|' /C calc'!A0",
    "a | b", "a\nb", "\\", "*bold* `code` [link](http://x) _it_", "+1", "-probe", "é–ü",
]  # fmt: skip


@pytest.mark.parametrize("label", LABELS)
def test_a_label_is_a_text_in_every_form(runs, tmp_path, label):
    first, second = TABLE.rows[:2]
    rows = (dataclasses.replace(first, method=label, data=label), second)
    columns = (dataclasses.replace(TABLE.columns[0], name=label), TABLE.columns[1])
    table = dataclasses.replace(TABLE, title=label, columns=columns, rows=rows, differences=(), baseline=second.encoder)
    make_table(table, profile=label, seeds=[0], layout=runs, out=tmp_path / "t.csv")
    text, tex, lines = ((tmp_path / f"t.{form}").read_text() for form in ("md", "tex", "csv"))
    page = table_html(read_made_table(tmp_path / "t.csv"))
    one_line = " ".join(label.split())
    # Markdown: each row has as many cells as the table, and they hold the label once the escapes are taken away.
    cells = [line[2:-2].split(" | ") for line in text.splitlines() if line.startswith("| ")]
    assert {len(row) for row in cells} == {5} and len(cells) == 5
    assert html.unescape(re.sub(r"\\(\W|_)", r"\1", cells[3][1])) == one_line
    assert "<img" not in text and "](" not in text
    # LaTeX: no command but the table's own, and no line outside of its comment or row.
    commands = r"textbackslash|textbar|textless|textgreater|textascii(?:circum|tilde)"
    known = rf"toprule|midrule|bottomrule|(?:begin|end)\{{tabular\}}|(?:{commands})\{{\}}|[&%_#{{}}$]| ?\\$"
    body = "\n".join(line for line in tex.splitlines() if not line.startswith("%"))
    assert "\\" not in re.sub(rf"\\(?:{known})", "", re.sub(r" \\\\$", "", body, flags=re.MULTILINE))
    assert all(line.startswith(("%", "\\")) or line.endswith(r" \\") for line in tex.splitlines())
    # HTML and csv: the browser and the spreadsheet show it, and run nothing.
    assert html.escape(label) in page and "<img" not in page and "<script" not in page
    found = next(record for record in csv.DictReader(io.StringIO(lines)) if record["row"] == first.encoder)
    assert not re.match(r"[=+@-].", found["method"]) and found["method"].removeprefix("'") == label
    made = {record["row"]: record for record in read_made_table(tmp_path / "t.csv").records}
    assert made[first.encoder]["method"] == label
