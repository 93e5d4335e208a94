"""Which edit makes which jobs run again, in a finished run of table 4 with one drawn sheet of predictions."""

import pytest
from repository import TABLE, TINY, planned, run
from tiny.run import EXAMPLES, ROWS

TRAINED = sorted(row for row in ROWS if row != "random")
EXTRA = "UNUSED = 1\n"


FIGURE = "results/figure5.png"
LIFTED = {"measure_lifting", "lifted_skeletons", "figure", "table"}


def stale(finished, *targets):
    """The rules, once each, that would run for the targets: by default the table and the sheet."""
    return {rule for rule, _ in planned(finished, *(targets or (TABLE, EXAMPLES)), *TINY)}


def add_code(edited, finished, *names):
    for name in names:
        text = (finished / name).read_text()
        edited(name, text, text + EXTRA)


def test_what_changes_no_result_reruns_nothing(finished, edited):
    for name in ("downstream/h36m/pose_3d/rle.py", "liftedcl/engine/loop.py"):  # whose code does: below
        edited(name, "\nimport ", "\n# a remark\nimport ")
    edited("workflow/report/table.rst", "", "A caption, which the report reads when it is written.\n")
    add_code(edited, finished, "liftedcl/identity/errors.py")  # words a failure
    for name in ("data/demo/coco/annotations/person_keypoints_train2017.json", "runs/demo/crops.npy"):
        (finished / name).touch()
    assert stale(finished) == set()


@pytest.mark.parametrize(
    ("name", "rules"),
    [
        ("downstream/samples/overlay.py", {"draw_h36m_3d", "examples"}),
        ("downstream/metrics.py", {"score_h36m_3d", "reference_h36m_3d", *LIFTED}),
        ("downstream/lifting.py", LIFTED),
        ("liftedcl/lift.py", LIFTED),
        ("liftedcl/lifted_figure.py", LIFTED - {"measure_lifting"}),
        ("downstream/h36m/pose_3d/rle.py", {"train_h36m_3d", "score_h36m_3d", "draw_h36m_3d", "examples", "table"}),
        (
            "downstream/h36m/pose_3d/reader.py",
            {"train_h36m_3d", "score_h36m_3d", "draw_h36m_3d", "reference_h36m_3d", "examples", *LIFTED},
        ),
        ("workflow/tables/table_text.py", {"table"}),
    ],
)
def test_an_edit_reruns_what_it_can_change_and_nothing_else(finished, edited, name, rules):
    add_code(edited, finished, name)
    assert stale(finished) == rules


@pytest.mark.parametrize(
    ("name", "pretrained", "trained"),
    [
        ("liftedcl/engine/loop.py", TRAINED, sorted(ROWS)),
        ("liftedcl/methods/liftedcl.py", ["liftedcl_in_cc"], ["liftedcl_in_cc"]),
    ],
)
def test_an_edit_of_the_loop_or_of_a_method_trains_what_it_made_again(finished, edited, name, pretrained, trained):
    add_code(edited, finished, name)
    jobs = planned(finished)
    assert sorted(row for rule, row in jobs if rule.startswith("pretrain")) == pretrained
    assert sorted(row for rule, row in jobs if rule.startswith("train_")) == trained


def test_a_label_of_a_table_remakes_the_table_alone(finished, edited):
    edited("workflow/tables/tables.yaml", "method: random initialisation", "method: random")
    assert stale(finished) == {"table"}


def test_one_number_of_one_row_reruns_that_row_and_the_table(finished, edited):
    edited(
        "params.yaml",
        "moco_v2_in_cc:         {method: moco_v2, ",
        "moco_v2_in_cc:         {training: {epochs: 3}, method: moco_v2, ",
    )
    assert planned(finished) == [
        ("figure", ""), ("pretrain", "moco_v2_in_cc"), ("score_h36m_3d", "moco_v2_in_cc"), ("table", ""),
        ("train_h36m_3d", "moco_v2_in_cc"), ("training_curves", ""),
    ]  # fmt: skip


def test_a_row_whose_method_makes_more_files_is_run_again(finished, edited):
    """The lifting network's outputs were never made for that row: there is no record that could differ."""
    edited("params.yaml", "moco_v2_in_cc:         {method: moco_v2, ", "moco_v2_in_cc:         {method: liftedcl, ")
    assert {("pretrain_lifting", "moco_v2_in_cc"), ("train_h36m_3d", "moco_v2_in_cc")} <= set(planned(finished))


@pytest.mark.long
def test_what_lifting_is_measured_with_and_on_is_watched(finished, edited):
    """The prior, which bones are compared with, and the true poses, but not the time of their file."""
    assert stale(finished, FIGURE) == set()
    poses = "data/demo/h36m/annotations/Sample_64_test_Human36M_protocol_2.json"
    (finished / poses).touch()
    assert stale(finished, FIGURE) == set()
    edited("params.yaml", "length_ratio: [", "length_ratio: [0.5, 2] # [")
    assert {"measure_lifting", "lifted_skeletons"} <= stale(finished, FIGURE)
    edited("params.yaml", "length_ratio: [0.5, 2] # [", "length_ratio: [")
    edited(poses, "[", " [")
    assert {"measure_lifting", "lifted_skeletons"} <= stale(finished, FIGURE)


@pytest.mark.long
def test_another_range_of_angles_remakes_pairs_and_what_reads_them(finished, edited):
    """Generated people give both kinds of pairs. The crops stay, and so does every encoder that reads no pairs."""
    pairs, croco = "runs/demo/h36m_crops.pairs.csv", "runs/demo/encoders/vit_croco/seed0/encoder.pt"
    status, output = run(finished, pairs, *TINY)
    assert status == 0, output
    assert {line.rsplit(",", 1)[1] for line in (finished / pairs).read_text().splitlines()[1:]} == {"view", "pose"}
    assert stale(finished, pairs) == set() and stale(finished, croco) == {"pretrain_completing"}
    edited("params.yaml", "view_angle: [30, 120]", "view_angle: [30, 100]")
    assert stale(finished, croco) == {"pair_h36m", "pretrain_completing"} and stale(finished) == set()
    edited("params.yaml", "view_angle: [30, 100]", "view_angle: [30, 120]")
    add_code(edited, finished, "liftedcl/images/h36m_pairs.py")
    assert stale(finished, pairs) == {"pair_h36m"} and stale(finished) == set()


@pytest.mark.long
def test_other_pictures_make_what_reads_them_stale(finished, edited):
    """Even when the run ends, or is killed, between making the pictures and reading them."""
    edited("synthetic/generation.py", "JPEG_QUALITY = 92", "JPEG_QUALITY = 70")
    status, output = run(finished, "data/demo/imagenet/classes.json", *TINY)
    assert status == 0, output
    rules = {rule for rule, _ in planned(finished)}
    assert {"pack_pictures", "pretrain", "table"} <= rules
