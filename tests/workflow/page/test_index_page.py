"""The summary page: best values, warnings, reasons, links that lead somewhere, and clear words about damage."""

import dataclasses
import re
from html import unescape
from pathlib import Path

import cv2
import numpy as np
import pytest
from tiny.tables import TABLES, record, references

from liftedcl.files.atomic import write_json
from liftedcl.identity.errors import InputError
from liftedcl.skeletons.lifting_scores import LiftingScores
from workflow.layout import Layout
from workflow.lifting import main as lifting
from workflow.page.__main__ import main
from workflow.tables.__main__ import make_table

TABLE = TABLES["table4"]
WARNING = 'class="banner"'
LIFTED = LiftingScores(684, 110.0, 125.0, 170.0, 0.75, 1.0, 0.8, 0.77)


@pytest.fixture
def make(tmp_path):
    """Make a table of four rows and two seeds, in the folder given by its name, and return that folder.

    Row i has MPJPE 180 - 10 i, and PA-MPJPE as if more were better: 50 + i.
    """
    names = ("supervised_in", "densecl_in", "pixpro_in_cc", "liftedcl_in_cc")
    columns = (TABLE.columns[0], dataclasses.replace(TABLE.columns[1], better="up"))
    table = dataclasses.replace(
        TABLE, columns=columns, rows=tuple(row for row in TABLE.rows if row.encoder in names), differences=()
    )
    layout, results = Layout(str(tmp_path / "runs" / "demo")), tmp_path / "results"

    more = {"peak_memory_mib": 2048, "started": "2026-11-21T17:02:29Z", "commit": "1f3fe737a9"}
    for i, row in enumerate(table.rows):
        for seed in (0, 1):
            run, encoder = layout.benchmark("h36m_3d", row.encoder, seed), layout.encoder(row.encoder, seed)
            write_json(f"{run}/metrics.json", {"mpjpe_mm": 180.0 - 10 * i - (i + 1) * seed, "pa_mpjpe_mm": 50.0 + i})
            write_json(f"{run}/provenance.json", record(204) | more)
            write_json(f"{encoder}/provenance.json", record(10) | more)
            write_json(f"{encoder}/encoder.pt", "weights")
    better = {"mpjpe_mm": 10.0, "pa_mpjpe_mm": 990.0}, {"mpjpe_mm": 1.0, "pa_mpjpe_mm": 999.0}
    write_json(layout.reference("h36m_3d"), references(*better))

    def make_one(name="table4", *, profile="demo", seeds=(0,), partly=False, **changes):
        changed = dataclasses.replace(table, **changes)
        out = results / f"{name}.csv"
        make_table(changed, profile=profile, seeds=list(seeds), layout=layout, out=out, partly=partly)
        return results

    make_one.table, make_one.layout = table, layout
    return make_one


def page_of(results):
    main(["--results", str(results)])
    return re.sub("<head>.*</head>|<script>.*</script>", "", (results / "index.html").read_text(), flags=re.DOTALL)


def cells(page, row):
    """Text and class of each cell of the first row of a score table that begins with ``row``."""
    line = next(line for line in page.splitlines() if line.startswith("<tr") and f">{row}</td>" in line)
    found = re.findall(r'<td(?: class="([^"]*)")?[^>]*>(.*?)</td>', line)
    return [(unescape(re.sub("<.*?>", "", text)), kind) for kind, text in found]


def picture(path):
    cv2.imwrite(str(path), np.zeros((30, 40, 3), np.uint8))


def test_the_best_value_of_each_column_is_marked_in_its_direction(make):
    """The two seeds of PA-MPJPE are equal; the intervals of MPJPE, 12.7 · 2.8 / √2 mm to either side, overlap."""
    page = page_of(make(seeds=(0, 1)))
    assert [kind for _, kind in cells(page, "LiftedCL")[2:]] == ["number", "number best"]
    assert page.count('number best"') == 1, "trivial predictor and bound, better than all, don't compete"
    assert 'number best"' not in page_of(make())
    assert re.search(r"MPJPE \(mm\) ↓", page) and re.search(r"PA-MPJPE \(mm\) ↑", page)


def test_columns_stand_in_the_tables_order(make):
    columns = tuple(reversed(make.table.columns))
    assert cells(page_of(make(columns=columns)), "LiftedCL")[2:] == [("53.0", "number"), ("150.0", "number")]


def test_seeds_give_spreads_and_differences_with_intervals(make):
    one, several = page_of(make()), page_of(make(seeds=(0, 1)))
    assert "±" not in one and "95% interval" not in one
    assert cells(several, "supervised")[2][0] == "179.5 ± 0.7"
    assert re.fullmatch(r"148\.0 ± 2\.8−31\.5 \[−50\.6,\xa0−12\.4\]", cells(several, "LiftedCL")[2][0])
    assert "difference to supervised (IN) over the same seeds" in several


@pytest.mark.parametrize(
    ("profile", "warned"), [("demo", True), ("study", True), ("paper (changed)", True), ("paper", False)]
)
def test_all_but_the_papers_profile_is_warned_of(make, profile, warned):
    page = page_of(make(profile=profile))
    assert (WARNING in page) == warned and page.count("mark warn") == warned
    assert f"{profile} values" in page


def test_what_a_table_says_is_text_and_no_markup(make):
    rows = tuple(dataclasses.replace(row, method=f'<b>{row.method} & "co"</b>') for row in make.table.rows)
    page = page_of(make(rows=rows, title="<script>alert(1)</script>"))
    assert "<b>" not in page and "<script" not in page
    assert "&lt;b&gt;LiftedCL &amp; &quot;co&quot;&lt;/b&gt;" in page


def test_a_missing_row_says_why(make):
    run = Path(make.layout.benchmark("h36m_3d", "densecl_in", 0))
    (run / "metrics.json").unlink()
    (run / "log.txt").write_text("error: the loss is <inf> at step 7\n")
    page = page_of(make(partly=True))
    assert [text for text, _ in cells(page, "DenseCL")[2:]] == ["missing", "missing"]
    assert "DenseCL (IN): " in page and "stopped: the loss is &lt;inf&gt; at step 7" in page


def test_the_papers_differences_stand_beside_ours(make):
    source = "paper, introduction; +0.4 in section 4.2"
    differences = (dataclasses.replace(TABLE.differences[0], source=source),)
    one, several = (page_of(make(differences=differences, seeds=seeds)) for seeds in ((0,), (0, 1)))
    first = cells(one, "LiftedCL (IN+CC) − PixPro (IN+CC), MPJPE")
    assert [text for text, _ in first][1:] == ["−1.8 mm", "−10.0 mm", "one seed: no verdict", source]
    assert cells(several, first[0][0])[2][0] == "−10.5 mm [−16.9, −4.1]", "12.7 · 0.7 / √2 mm to either side"
    verdicts = [
        cells(page, f"LiftedCL (IN+CC) − PixPro (IN+CC), {metric}")[3]
        for page in (one, several)
        for metric in ("MPJPE", "PA-MPJPE")
    ]
    assert verdicts == [*[("one seed: no verdict", "quiet")] * 2, ("agree", "agree"), ("disagree", "disagree")]


def test_links_and_pictures_are_there_and_each_picture_stands_once(make):
    results = make()
    make("probe")
    names = [
        "figure5",
        "examples_coco_random",
        "examples_h36m_3d_random",
        "examples_h36m_3d_setsim_in",
        "augmented_lip",
    ]
    names += ["curves_pw3d", "data_efficiency", "run_times", "something_else"]
    for name in names:
        picture(results / f"{name}.png")
    page = page_of(results)
    for link in re.findall(r'(?:href|src)="([^"]+)"', page):
        assert f'id="{link[1:]}"' in page if link.startswith("#") else (results / link).exists(), link
    assert sorted(re.findall(r'src="(.+?)\.png"', page)) == sorted(names)
    assert page.count('width="40" height="30"') == len(names)
    assert "http" not in page and page.index('id="table4"') < page.index('id="probe"')
    assert "skeleton that LiftedCL's lifting network gives" in unescape(page), "the caption of snakemake's report"
    assert page.count("not selected by result") == 1, "what holds for all predictions stands once"
    assert "``" not in page and "{{" not in page


def test_lifted_skeletons_have_a_table(make):
    results = make()
    assert 'id="lifting"' not in page_of(results)
    write_json(make.layout.lifting("liftedcl_in_cc", 0), dataclasses.asdict(LIFTED))
    words = ["--rows", "liftedcl_in_cc", "--seeds", "0", "--profile", "demo", "--runs", make.layout.root]
    lifting(["--out", str(results / "lifting.csv"), *words])
    page = page_of(results)
    assert 'id="lifting"' in page and 'href="#lifting"' in page and 'href="lifting.md"' in page
    assert "<td>110.0</td>" in page and f"<td>{LIFTED.reading()}</td>" in page


def test_a_row_leads_to_its_runs(make):
    results = make(seeds=(0, 1))
    page = page_of(results)
    assert "3.4 min, 3.4 min" in page and "2.0 GiB" in page
    assert f"python -m workflow.explain {results}/table4.csv --row liftedcl_in_cc --column mpjpe_mm" in page
    assert "8 encoders and 8 fine-tunings, 0.5 h in all" in page and "Xeon, 2 cores" in page
    make("table7", seeds=(0, 1))
    assert "8 encoders and 8 fine-tunings, 0.5 h in all" in page_of(results), "no run counts twice"


def test_tables_of_several_benchmarks_lead_to_a_mean(make):
    """PCKh is a quarter of the way from 20 to 60; MPJPE of 180 mm is 170 of 9 mm beyond the trivial predictor's 10."""
    results = make()
    assert 'id="scaled"' not in page_of(results)
    for row in make.table.rows:
        run = make.layout.benchmark("mpii", row.encoder, 0)
        write_json(f"{run}/metrics.json", {"pckh_50": 30.0})
        write_json(f"{run}/provenance.json", record())
    write_json(make.layout.reference("mpii"), references({"pckh_50": 20.0}, {"pckh_50": 60.0}))
    make("table2", benchmark="mpii", columns=TABLES["table2"].columns[:1])
    page = page_of(results)
    shares = [25.0, -100 * 170 / 9]
    assert [text for text, _ in cells(page, "supervised (IN)")][1:] == [f"{x:.1f}" for x in (*shares, sum(shares) / 2)]
    assert page.index('id="scaled"') < page.index('id="tables"') and '<a href="#scaled">' in page


def test_without_a_table_the_page_says_how_to_make_one(tmp_path):
    picture(tmp_path / "figure5.png")
    with pytest.raises(InputError, match="holds no table; make one, such as: snakemake"):
        page_of(tmp_path)


@pytest.mark.parametrize(
    ("name", "damage", "named"),
    [
        ("table4.csv", lambda text: text[: len(text) // 2], r"table4\.csv: "),
        ("table4.csv", lambda text: text.replace("180.0", "many"), r"table4\.csv: not a table .*'many'"),
        ("table4.csv", lambda text: text[: text.index("demo,densecl")], r"table4\.csv: its rows or profile are not"),
        ("table4.csv", lambda text: text.replace("mpjpe_mm_std", "std"), r"table4\.csv: not a table"),
        ("table4.csv", None, r"table4\.csv: not found"),
        ("table4.provenance.json", lambda text: text[:90], r"table4\.provenance\.json: not valid JSON"),
        ("table4.provenance.json", lambda text: "[]", r"provenance\.json: lacks baseline, columns"),
        ("table4.provenance.json", lambda text: text.replace('"better": "up"', '"better": "u"'), "columns, seeds or"),
        (
            "table4.provenance.json",
            lambda text: text.replace('"cores"', '"c"'),
            r"json: its record of a run is damaged",
        ),
        ("table4.provenance.json", None, r"table4\.provenance\.json: not found"),
        ("figure5.png", lambda text: "", r"figure5\.png: is not a PNG file, or is cut off"),
    ],
)
def test_damage_is_named_in_one_line_and_nothing_is_written(make, name, damage, named):
    results = make()
    (results / "figure5.png").write_text("")
    if name != "figure5.png":
        picture(results / "figure5.png")
    if damage is None:
        (results / name).unlink()
    else:
        (results / name).write_text(damage((results / name).read_text()))
    with pytest.raises(InputError, match=named) as error:
        page_of(results)
    assert "\n" not in str(error.value) and not (results / "index.html").exists()
