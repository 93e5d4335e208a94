"""What a fresh clone would run: jobs of each target, missing data, wrong keys. Nothing is run."""

import re
from pathlib import Path

import pytest
from repository import TABLE, TINY, copy_to, planned, run

from downstream.registry import BENCHMARKS
from liftedcl.methods import lifts
from workflow.benchmark_recipes import benchmark_of
from workflow.params import read_params
from workflow.tables.shown_tables import read_tables

FINE_TUNINGS = {"coco": 11, "mpii": 11, "h36m_2d": 21, "h36m_3d": 21, "pw3d": 11, "lip": 11}
"""Of the paper's nine tables, for one seed."""


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    return copy_to(tmp_path_factory.mktemp("copy") / "repository")


def test_one_encoder_goes_through_all_benchmarks(copy):
    jobs = planned(copy, "results/benchmarks_random.csv", *TINY)
    rules = {rule for rule, _ in jobs}
    for benchmark in BENCHMARKS:
        assert {f"{kind}_{benchmark}" for kind in ("augmented", "train", "score", "draw", "reference")} <= rules
    kinds = [rule for rule, _ in jobs]
    assert kinds.count("augmented_samples") == kinds.count("examples") == len(BENCHMARKS)
    assert kinds.count("random_encoder") == 1 and "pretrain" not in kinds


@pytest.mark.parametrize(
    ("config", "named"),
    [
        (["crops={heigth: 64}"], "params.yaml: crops.heigth: unknown key; did you mean height?"),
        (["profil=paper"], "params.yaml: profil: unknown key; did you mean profile?"),
        (["seeds=[0, 0]"], "params.yaml: seeds: [0, 0] is empty or has repeats; give a list of different numbers"),
    ],
)
def test_a_wrong_key_stops_before_any_job(copy, config, named):
    status, output = run(copy, "-n", TABLE, "--config", *config)
    assert status != 0
    assert named in output
    assert "Traceback" not in output


def test_missing_data_sets_are_all_named_at_once(copy):
    status, output = run(copy, "-n", TABLE, "--config", "profile=paper")
    assert status != 0
    for part in (
        "coco:", "h36m:", "weights:", "licence", "missing  data/coco/annotations", "--config h36m=FOLDER",
        "missing  data/coco/val2017", "missing  data/pw3d/smpl/female.npz", "missing  data/lip/val_segmentations",
    ):  # fmt: skip
        assert part in output
    assert "Traceback" not in output


def test_the_demos_table_4_runs_its_rows_frozen_and_fine_tuned(copy):
    """And pre-trains nothing but these rows and those that they start from."""
    jobs = planned(copy, TABLE)
    rows = ["liftedcl_in_cc", "moco_v2_in_cc", "pixpro_in_cc", "random", "supervised_in"]
    for rule in ("train_h36m_3d", "score_h36m_3d"):
        assert [row for name, row in jobs if name == rule] == sorted(2 * rows)
    made = {row for name, row in jobs if name.startswith("pretrain") or name.endswith("_encoder")}
    assert made == {*rows, "moco_v2_in", "pixpro_in"}
    assert [name for name, _ in jobs].count("reference_h36m_3d") == 1


def test_the_papers_tables_share_their_runs(copy):
    """Every cell can be made, and no run is made twice, however many tables it stands in."""
    jobs = planned(copy, "tables")
    params = read_params(copy / "params.yaml")
    tables = read_tables(copy / "workflow" / "tables" / "tables.yaml", params)
    of_the_paper = [table for name, table in tables.items() if re.fullmatch(r"table\d", name)]
    assert len(of_the_paper) == [rule for rule, _ in jobs].count("table") == 9
    cells = [run for table in of_the_paper for run in table.runs(params.seeds)]
    for kind in ("train", "score"):
        made = sorted((rule, row) for rule, row in jobs if rule.startswith(f"{kind}_"))
        assert made == sorted((f"{kind}_{benchmark_of(run)}", row) for run, row, _ in set(cells))
    assert len(set(cells)) < len(cells)  # so that there is something to share
    encoders = [row for rule, row in jobs if rule.startswith("pretrain") or rule.endswith("_encoder")]
    needed = {row for _, row, _ in cells}
    needed |= {params.encoders[row].start for row in needed} - {None}  # none of these starts from another one
    assert sorted(encoders) == sorted(needed)


@pytest.mark.long
def test_mpii_is_made_for_what_mixes_it_in(copy, tmp_path):
    """A run and the drawing of its training samples; wherever the folder is said to be."""
    run_of, drawing = "runs/demo/{}/random/seed0/metrics.json", "results/augmented_h36m_3d.png"
    mixing = ["--config", "benchmarks={h36m_3d: {mpii: true}}"]
    for mixed, words in (
        (False, [run_of.format("h36m_3d")]),
        (True, [run_of.format("h36m_3d-mixed")]),
        (True, [run_of.format("h36m_2d-mixed")]),
        (True, [run_of.format("h36m_3d"), *mixing]),
        (False, [drawing]),
        (True, [drawing, *mixing]),
    ):
        assert ("generate_mpii" in {rule for rule, _ in planned(copy, *words)}) == mixed, words
    status, output = run(copy, "-n", TABLE, *mixing, f"mpii={tmp_path}")
    assert status != 0 and f"missing  {tmp_path}/annot/train.json" in output


def test_with_data_in_place_the_papers_tables_are_planned(copy, tmp_path):
    """The data are what the message about missing data asks for, file by file."""
    folders = [f"{name}={tmp_path / name}" for name in ("coco", "mpii", "h36m", "pw3d", "lip", "weights", "imagenet")]
    config = ["--config", "profile=paper", *folders]
    status, output = run(copy, "-n", "tables", *config)
    missing = re.findall(r"^  missing  (\S+)", output, flags=re.MULTILINE)
    assert status != 0 and len(missing) > 30
    for path in missing:
        stand_in = Path(path.replace("*", "x").replace("{jpg,jpeg,png}", "png"))
        stand_in.parent.mkdir(parents=True, exist_ok=True)
        stand_in.touch()
    rules = [rule for rule, _ in planned(copy, "tables", *config)]
    assert {rule: rules.count(rule) for rule in rules} == {
        "crop_people": 1, "crop_h36m": 1, "pack_pictures": 1, "sample_skeletons": 1,
        "random_encoder": 1, "published_encoder": 4, "pretrain": 6, "pretrain_lifting": 8,
        **{f"{kind}_{name}": count for kind in ("train", "score") for name, count in FINE_TUNINGS.items()},
        **{f"{kind}_{benchmark}": 1 for kind in ("reference", "cut") for benchmark in FINE_TUNINGS},
        "measure_lifting": 1, "lifted_skeletons": 2, "lifting_progress": 1, "training_curves": 1, "figure": 6,
        "table": 9, "provenance": 1, "tables": 1,
    }  # fmt: skip


def test_lifted_skeletons_of_every_row_that_lifts_are_measured(copy):
    jobs = planned(copy, "lifting", *TINY)
    params = read_params(copy / "params.yaml")
    lifting = sorted(name for name, recipe in params.encoders.items() if lifts(recipe))
    assert len(lifting) > 5
    assert [row for rule, row in jobs if rule == "measure_lifting"] == lifting
    assert ("lifting", "") in jobs and not [rule for rule, _ in jobs if rule.startswith("train_")]


def test_without_true_poses_the_figures_are_drawn_all_the_same(copy, tmp_path):
    """Another folder than the demo's own has to be there; this one is empty."""
    figure = ("results/figure5.png", *TINY, "--config", f"h36m={tmp_path}")
    rules = {rule for rule, _ in planned(copy, *figure)}
    assert {"figure", "lifted_skeletons"} <= rules and "measure_lifting" not in rules
    status, output = run(copy, "-n", "results/lifting.csv", *figure[1:])
    assert status != 0 and "missing" in output and f"{tmp_path}/annotations" in output
