"""What reads a finished table for a paper or a comparison: macros, BibTeX, and two of its rows side by side."""

import dataclasses
import json
import re
import subprocess

import pytest
from repository import REPOSITORY
from tiny.tables import PARAMS, TABLES, record, references

from downstream.registry import BENCHMARKS, DATA_SETS
from liftedcl.files.atomic import write_json
from liftedcl.identity.errors import InputError
from liftedcl.recipes.backbone_names import NAMES
from liftedcl.recipes.method_entries import method_entries
from workflow.cite.__main__ import REFERENCES, USES, bibliography
from workflow.compare.__main__ import side_of
from workflow.compare.commits import compare_commits
from workflow.compare.rows import compare
from workflow.layout import Layout
from workflow.tables.__main__ import make_table

HOSTILE = ["<script>alert(1)</script>", "a & b_c % d # {x} $y$", "=cmd|' /C calc'!A0", "@misc{x,\n}\n% \\input{x}"]
ROWS = ("random", "moco_v2_in_cc", "liftedcl_in_cc")


@pytest.fixture
def table(tmp_path, monkeypatch):
    """Table 4 of three rows: row i has MPJPE 180 - 10 i and, in its second seed, 1 mm more."""
    monkeypatch.chdir(tmp_path)
    rows = tuple(row for row in TABLES["table4"].rows if row.encoder in ROWS)
    made = dataclasses.replace(TABLES["table4"], rows=rows, baseline="random", differences=())
    layout = Layout("runs/demo")

    def make(**changes):
        changed = dataclasses.replace(made, **changes)
        for i, row in enumerate(rows):
            for seed in (0, 1):
                run, encoder = layout.benchmark("h36m_3d", row.encoder, seed), layout.encoder(row.encoder, seed)
                recipe = {**dataclasses.asdict(PARAMS.encoders[row.encoder]), "start": None}
                more = {"packages": {"torch": "2", "numpy": "2"}, "inputs": {"images": "ab"}, "code": "0"}
                write_json(f"{run}/metrics.json", {"mpjpe_mm": 180.0 - 10 * i + seed, "pa_mpjpe_mm": 50.0})
                write_json(f"{run}/provenance.json", record(recipe={"epochs": 3, "mpii": None}, **more))
                write_json(f"{encoder}/provenance.json", record(recipe=recipe, seed=seed, **more))
                write_json(f"{encoder}/encoder.pt", "weights")
        worst, best = {"mpjpe_mm": 290.0, "pa_mpjpe_mm": 240.0}, {"mpjpe_mm": 2.0, "pa_mpjpe_mm": 1.0}
        write_json(layout.reference("h36m_3d"), references(worst, best))
        out = tmp_path / "results/table4.csv"
        make_table(changed, profile="demo", seeds=[0, 1], layout=layout, out=out)
        return out

    return make


def test_a_value_has_a_macro_and_so_has_its_difference(table):
    text = table().with_suffix(".macros.tex").read_text()
    for name, value in (("", "160.5"), ("/std", "0.7"), ("/difference", "-20.0"), ("/interval", "[-20.0, -20.0]")):
        assert rf"\expandafter\def\csname score:table4/liftedcl_in_cc/mpjpe_mm{name}\endcsname{{{value}}}" in text
    assert "score:table4/bound/mpjpe_mm\\endcsname{2.0}" in text and "not the paper's experiment" in text


@pytest.mark.parametrize("label", HOSTILE)
def test_a_label_is_harmless_in_macros_and_bibtex(table, label):
    rows = tuple(dataclasses.replace(row, method=label) for row in TABLES["table4"].rows if row.encoder in ROWS)
    made = table(title=label, rows=rows)
    macros = made.with_suffix(".macros.tex").read_text().splitlines()
    assert all(
        line.startswith(("%", r"\expandafter\def\csname score:", r"\providecommand", "  \\else")) for line in macros
    )
    entries = [line for line in "\n".join(bibliography(made)).splitlines() if line and not line.startswith("%")]
    assert entries and all(line in REFERENCES.values() for line in entries)


def test_bibtex_of_all_that_a_table_used_and_of_nothing_else(table):
    text = "\n".join(bibliography(table()))
    found = set(re.findall(r"^@\w+\{(\w+),", text, re.MULTILINE))
    expected = {"chen2020mocov2", "chen2023liftedcl", "he2016resnet", "li2021rle", "ionescu2014h36m", "lin2014coco"}
    assert found == expected | {"paszke2019pytorch", "harris2020numpy"}
    assert all(text.count(f"{{{key},") == 1 for key in found)


def test_a_method_from_outside_is_cited_by_its_commit_and_harmlessly(table, tmp_path):
    csv = table()
    file = csv.with_suffix(".provenance.json")
    provenance = json.loads(file.read_text())
    outside = {"method": "outside", "module": "a}@misc{b,.py", "repository": "r_1%", "commit": "0123"}
    for chain in provenance["rows"]["moco_v2_in_cc"]["h36m_3d"]:
        chain["encoders"][0]["provenance"]["recipe"] |= outside
    file.write_text(json.dumps(provenance))
    (entry,) = [line for line in "\n".join(bibliography(csv)).splitlines() if line.startswith("@misc")]
    assert r"r\_1\%, commit 0123, file a\}@misc\{b,.py" in entry and entry.count("{") == entry.count("}")


def test_every_method_backbone_benchmark_and_data_set_can_be_cited():
    assert set(USES["methods"]) == {name for name, entry in method_entries().items() if entry.module}
    assert set(USES["benchmarks"]) == set(BENCHMARKS) and set(USES["data"]) == set(DATA_SETS) - {"people", "weights"}
    assert all(any(name.startswith(begins) for begins in USES["backbones"]) for name in (*NAMES, "timm/x"))
    named = {key for uses in USES.values() for keys in uses.values() for key in keys}
    assert named == set(REFERENCES), "each entry is used, and each key has one"
    assert all(entry.count("{") == entry.count("}") for entry in REFERENCES.values())


def test_two_rows_differ_in_their_scores_and_recipes(table):
    csv = table()
    lines = list(compare(side_of(f"{csv}:random"), side_of(f"{csv}:liftedcl_in_cc:MPJPE")))
    assert "  MPJPE (mm): 180.5 -> 160.5 (-20)" in lines and not any("PA-MPJPE" in line for line in lines)
    (recipe,) = [line for line in lines if line.startswith("  recipe: ") and "method" in line]
    assert 'method "random" -> "liftedcl"' in recipe
    assert (
        "  inputs: the same" in lines
        and lines.count("  packages: the same") == 2
        and lines.count("  code: the same") == 2
    )


@pytest.mark.parametrize(
    ("named", "problem"),
    [("results/table4.csv:nobody", "no row 'nobody'"), ("results/table4.csv:random:AP", "no column 'AP'"),
     ("results/none.csv:random", "not found"), ("results/table4.csv", "name a row"),
     ("results/table4.csv:bound", "has no encoder")],
)  # fmt: skip
def test_what_cannot_be_compared_is_told_in_one_line(table, named, problem):
    table()
    with pytest.raises(InputError, match=problem) as error:
        side_of(named)
    assert "\n" not in str(error.value)


def test_two_commits_differ_in_numbers_modules_and_packages(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def commit(rate, code, version):
        (tmp_path / "workflow").mkdir(exist_ok=True)
        for name in ("liftedcl", "downstream", "synthetic"):
            (tmp_path / name).mkdir(exist_ok=True)
            (tmp_path / name / "__init__.py").write_text("")
        text = (REPOSITORY / "params.yaml").read_text()
        (tmp_path / "params.yaml").write_text(text.replace("key_momentum: 0.999", f"key_momentum: {rate}"))
        (tmp_path / "workflow/some.py").write_text(code)
        (tmp_path / "requirements.lock").write_text(f"torch=={version}\nnumpy==2.0 ; sys_platform != 'x'\n")
        who = ["-c", "user.name=a", "-c", "user.email=a"]
        for words in (["init", "-q"], ["add", "-A"], [*who, "commit", "-qm", "state"], ["tag", f"v{version}"]):
            subprocess.run(["git", *words], check=True, cwd=tmp_path)

    commit(0.9, "x = 1\n", 1)
    commit(0.8, "# a remark\nx = 2\n", 2)
    lines = list(compare_commits("v1", "v2", "paper"))
    assert "key_momentum 0.9 -> 0.8" in lines[0] and lines[1] == "code: different: workflow.some"
    assert lines[2] == 'packages: torch "1" -> "2"' and lines[3] == "scores: dvc metrics diff v1 v2"
    with pytest.raises(InputError, match="nor a commit"):
        list(compare_commits("v1", "v3", None))
