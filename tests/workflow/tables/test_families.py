"""Vision transformers have a table of their own, which names files that are not there and rows that learnt nothing."""

import csv
import dataclasses
import re

import pytest
from repository import REPOSITORY
from tiny.tables import record, references

from liftedcl.files.atomic import write_json
from liftedcl.identity.errors import InputError
from liftedcl.recipes.backbone_names import STAGES, VIT, family_of
from workflow.layout import Layout
from workflow.page.score_table import table_html
from workflow.params import read_params
from workflow.tables.__main__ import make_table
from workflow.tables.made_table import read_made_table
from workflow.tables.shown_tables import encoders_run, overview_tables, read_tables
from workflow.tables.table_spec import main_tables

FILE = REPOSITORY / "workflow" / "tables" / "tables.yaml"
OWN = {
    "mine_vit": "vit_s16", "mine_dino": "timm/vit_small_patch14_dinov2", "mine_resnet": "resnet50",
    "mine_swin": "timm/swin_tiny_patch4_window7_224",
}  # fmt: skip


def shown(rows, profile="paper", **overrides):
    params = read_params(REPOSITORY / "params.yaml", {"profile": profile, "encoders": {"rows": rows}, **overrides})
    return read_tables(FILE, params), params


@pytest.mark.parametrize("profile", ["demo", "small", "longer", "study", "paper"])
def test_no_column_has_vision_transformers_beside_other_backbones(profile):
    own = {name: {"method": "own", "file": "x.pt", "backbone": backbone} for name, backbone in OWN.items()}
    tables, params = shown(own, profile)
    for name, table in tables.items():
        families = {family_of(params.encoders[row.encoder].backbone) for row in table.rows}
        assert families == {VIT if name == "vit" else STAGES}, name
        mine = {row.encoder for row in table.rows} & set(OWN)
        assert mine == (
            {"mine_vit", "mine_dino"} if name == "vit" else {"mine_resnet", "mine_swin"} if table.extends else set()
        )


def test_a_named_row_of_another_family_is_refused_in_words():
    with pytest.raises(
        InputError, match=re.escape("table1: random is a vit_s16, its baseline supervised_in a resnet50")
    ):
        shown({"random": {"backbone": "vit_s16"}})


def test_rows_of_one_family_may_be_selected_alone():
    tables, _ = shown({}, "demo", tables={"rows": ["random", "supervised_in"]})
    whole, _ = shown({}, "demo", tables={"rows": None})
    assert tables["vit"].rows == whole["vit"].rows and len(tables["table1"].rows) == 2
    chosen, _ = shown({}, "demo", tables={"rows": ["vit_random"]})
    assert [row.encoder for row in chosen["vit"].rows] == ["vit_random"]
    assert chosen["table1"].rows == whole["table1"].rows


def test_an_overview_of_a_vision_transformer_has_the_runs_that_its_own_table_has():
    tables, params = shown({}, "demo")
    vit = overview_tables("vit_mae", tables, params)
    assert [table.benchmark for table in vit.values()] == [f"{benchmark}-vit" for benchmark in vit]
    headlines = {table.benchmark: [column.metric for column in table.columns] for table in vit.values()}
    assert headlines == {
        column.benchmark: [column.metric] for column in tables["vit"].columns if column.benchmark.endswith("-vit")
    }
    assert overview_tables("moco_v2_in_cc", tables, params) == main_tables(tables)
    assert overview_tables("in no table", tables, params) == main_tables(tables)


def test_the_table_has_all_benchmarks_with_the_encoder_trained_and_frozen():
    tables, params = shown({})
    trained = [column for column in tables["vit"].columns if not column.frozen]
    frozen = [column for column in tables["vit"].columns if column.frozen]
    assert [(of.metric, of.benchmark.partition("-")[0]) for of in trained] == [
        (of.metric, of.benchmark.partition("-")[0]) for of in frozen
    ]
    assert len(frozen) == 6
    for column in trained:
        of_resnets = params.benchmarks[column.benchmark.partition("-")[0]]
        recipe = params.benchmarks[column.benchmark]
        assert recipe.transformer is not None and of_resnets.transformer is None and not recipe.probe
        # The bound and the trivial predictor are those of the benchmark itself.
        for name in ("input_size", "input_width", "input_height", "heatmap_stride"):
            assert getattr(recipe, name, None) == getattr(of_resnets, name, None)


@pytest.fixture
def vit(tmp_path):
    """Finished runs of the row vit_random, and the table with a row whose file is not there."""
    published = {"published_vit": {"method": "published", "source": "supervised", "backbone": "vit_b16"}}
    folder = tmp_path / "weights"
    tables, _ = shown(published, data={"weights": str(folder)})
    rows = tuple(row for row in tables["vit"].rows if row.encoder in ("vit_random", "published_vit"))
    layout, table = Layout(str(tmp_path / "runs")), dataclasses.replace(tables["vit"], rows=rows)
    for i, column in enumerate(table.columns):
        run = layout.benchmark(column.benchmark, "vit_random", 0)
        scalars = {"resolution_scalars": 0} if column.benchmark.startswith("pw3d") else {}
        better = 1 if column.better == "up" else -1
        write_json(f"{run}/metrics.json", {column.metric: 50.0 + better * (i - 1)} | scalars)
        write_json(f"{run}/provenance.json", record())
        worst, best = {column.metric: 50.0}, {column.metric: 50.0 + 40 * better}
        write_json(layout.reference(column.benchmark), references(worst, best))
    write_json(f"{layout.encoder('vit_random', 0)}/provenance.json", record())
    make_table(table, profile="paper", seeds=[0], layout=layout, out=tmp_path / "vit.csv")
    return table, tmp_path


def test_a_published_file_that_is_not_there_is_named_and_stops_nothing(vit):
    table, folder = vit
    lines = {row["row"]: row for row in csv.DictReader((folder / "vit.csv").open())}
    said = f"{folder}/weights/resnet50-0676ba61.pth is not there, get it from torchvision"
    assert said in lines["published_vit"]["missing"] and lines["published_vit"]["ap"] == ""
    for text in ((folder / "vit.md").read_text(), table_html(read_made_table(folder / "vit.csv"))):
        assert "resnet50-0676ba61.pth is not there" in text.replace("\\", "")
    assert {row for _, row, _ in table.runs([0])} == {"vit_random"} and "published_vit" not in encoders_run([table])


def test_a_published_file_that_is_there_is_run(vit):
    _, folder = vit
    (folder / "weights").mkdir()
    (folder / "weights/resnet50-0676ba61.pth").touch()
    published = {"published_vit": {"method": "published", "source": "supervised", "backbone": "vit_b16"}}
    table = shown(published, data={"weights": str(folder / "weights")})[0]["vit"]
    assert {row for _, row, _ in table.runs([0])} >= {"vit_random", "published_vit"}


def test_the_page_says_which_rows_are_no_better_than_the_trivial_predictor(vit):
    """The first column's row is worse than it, the second's equal, and every other one's better."""
    table, folder = vit
    worse, equal, *others = table.columns
    forms = [(folder / f"vit.{form}").read_text() for form in ("md", "tex")]
    for text in (*forms, table_html(read_made_table(folder / "vit.csv"))):
        for column in (worse, equal):
            assert f"{column.name}: no better than the trivial predictor: random initialisation (-)." in text
        assert text.count("no better than") == 2 and others


def test_a_row_whose_backbone_has_no_resolution_scalars_says_so(vit):
    _, folder = vit
    lines = {row["row"]: row for row in csv.DictReader((folder / "vit.csv").open())}
    assert (lines["vit_random"]["resolution_scalars"], lines["reference"]["resolution_scalars"]) == ("0", "")
    assert "- RSC-Net's scalars for each resolution (0: the backbone has none): 0\n" in (folder / "vit.md").read_text()
