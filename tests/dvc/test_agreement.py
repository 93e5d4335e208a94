"""Snakemake and DVC never disagree about what is up to date: edits of every kind, through both."""

import re
import shutil
from collections import Counter
from pathlib import Path

import pytest
from tiny.pipeline import OWN, append, attempt, call, edit, is_clean, jobs_in, planned, set_parameter

TOUCHED = ("runs/demo/crops.npy", "results/table4.csv", "data/demo/coco/annotations/person_keypoints_train2017.json")


def a_row(copy):
    set_parameter(copy, "encoders.rows.liftedcl_in_cc.training", {"epochs": 1})


def a_benchmark_of_the_profile(copy):
    set_parameter(copy, "profiles.demo.benchmarks.mpii.learning_rate", 1.0e-3)


def code_of_one_stage(copy):
    append(copy, "downstream/lip/parsing_loss.py", "UNUSED = 1")


def code_of_a_method(copy):
    append(copy, "liftedcl/methods/liftedcl.py", "UNUSED = 1")


def a_raw_file(copy):
    shutil.copy(copy / "runs/demo/encoders/moco_v2_in/seed0/encoder.pt", copy / OWN)


def a_label(copy):
    edit(copy, "workflow/tables/tables.yaml", "method: MoCo-v2", "method: MoCo 2")


def a_deleted_table(copy):
    (copy / "results/table4.csv").unlink()


LIFTED = {(rule, "liftedcl_in_cc") for rule in ("pretrain_lifting", "train_h36m_3d", "score_h36m_3d")}
MPII = {("train_mpii", "random"), ("score_mpii", "random"), ("reference_mpii", "")}
EDITS = [
    (a_deleted_table, {("table", "")}, "results/table4.csv"),
    (a_label, {("table", "")}, "workflow"),
    (a_raw_file, {("own_encoder", "mine"), ("train_h36m_3d", "mine")}, OWN),
    (code_of_one_stage, {("train_lip", "random")}, "downstream"),
    (a_benchmark_of_the_profile, MPII, "profiles.demo"),
    (code_of_a_method, {("pretrain_lifting", "liftedcl_in_cc")}, "liftedcl"),
    (a_row, LIFTED, "encoders"),
]
"""Edits, what Snakemake has to run for each, and where DVC sees it."""


def test_edits_make_both_stale_and_dvc_repro_runs_what_snakemake_would(copy):
    """One after the other, so that each has to show beside those before it."""
    stale, noticed = set(), call(copy, "dvc", "status")
    for change, expected, place in EDITS:
        change(copy)
        stale |= expected
        plan = planned(copy)
        assert stale <= set(plan), change.__name__
        assert {row for rule, row in plan if row} == {row for _, row in stale if row}, change.__name__
        before, noticed = noticed, call(copy, "dvc", "status")
        new = Counter(noticed.splitlines()) - Counter(before.splitlines())
        assert any(re.search(rf"(modified|deleted): +{place}$", line) for line in new), (change.__name__, noticed)
    _both_agree(copy, plan, stale)


def test_a_default_that_one_row_reads_makes_both_stale_for_it(copy):
    set_parameter(copy, "encoders.defaults.lifting.blocks", 1)
    plan = planned(copy)
    assert set(plan) >= LIFTED and {row for rule, row in plan if row} == {"liftedcl_in_cc"}
    _both_agree(copy, plan, LIFTED)


def _both_agree(copy, plan, stale):
    """`dvc repro` runs what was planned, and then neither finds anything to do."""
    ran = jobs_in(call(copy, "dvc", "repro"))
    assert stale <= set(ran)
    assert not Counter(ran) - Counter(plan)  # less where a figure came out as it was: the second stage doesn't copy it
    assert planned(copy) == [] and is_clean(copy)
    assert "didn't change, skipping" in (again := call(copy, "dvc", "repro")) and jobs_in(again) == []


def test_what_snakemake_ran_dvc_only_records(copy):
    a_benchmark_of_the_profile(copy)
    call(copy, "snakemake", "tables")
    assert planned(copy) == [] and not is_clean(copy)
    assert jobs_in(call(copy, "dvc", "repro")) == []
    assert planned(copy) == [] and is_clean(copy)


def test_what_changes_no_result_makes_neither_stale(copy):
    for name in TOUCHED:
        (copy / name).touch()
    set_parameter(copy, "profiles.study.seeds", [0])
    assert planned(copy) == [] and is_clean(copy)
    append(copy, "downstream/h36m/pose_3d/rle.py", "# a remark")
    assert planned(copy) == [] and jobs_in(call(copy, "dvc", "repro")) == [] and is_clean(copy)


def test_a_deleted_encoder_is_brought_back_not_certified_away(copy):
    """Snakemake doesn't miss it, as nothing has to be made from it; DVC does."""
    encoder = "runs/demo/encoders/random/seed0/encoder.pt"
    before = (copy / encoder).read_bytes()
    (copy / encoder).unlink()
    lock = (copy / "dvc.lock").read_bytes()
    status, output = attempt(copy, "dvc", "repro")
    assert status != 0 and f"{encoder}: gone" in output and (copy / "dvc.lock").read_bytes() == lock
    call(copy, "dvc", "checkout", encoder)
    assert (copy / encoder).read_bytes() == before and planned(copy) == [] and is_clean(copy)


@pytest.mark.parametrize("name", ["results/table4.csv", "runs/demo/lip/random/seed0/predictions"])
def test_a_result_that_was_edited_is_named_by_both_and_never_certified(copy, name):
    file = copy / name if Path(name).suffix else next((copy / name).glob("*.png"))
    file.write_bytes(file.read_bytes() + b"\n")
    assert not is_clean(copy)
    assert f"warning: {name}: not what its job made" in call(copy, "snakemake", "-n", "tables")
    lock = (copy / "dvc.lock").read_bytes()
    status, output = attempt(copy, "dvc", "repro")
    assert status != 0 and f"error: {name}: changed by something else than its job" in output
    assert (copy / "dvc.lock").read_bytes() == lock
    call(copy, "dvc", "checkout", "--force", name)
    assert planned(copy) == [] and is_clean(copy)


def test_a_run_that_failed_in_part_is_not_certified(copy):
    set_parameter(copy, "encoders.rows.liftedcl_in_cc.training", {"learning_rate": 1.0e30})
    lock = (copy / "dvc.lock").read_bytes()
    status, output = attempt(copy, "dvc", "repro")
    assert status != 0 and "failed to reproduce 'runs'" in output and (copy / "dvc.lock").read_bytes() == lock
    call(copy, "git", "checkout", "params.yaml")
    call(copy, "dvc", "checkout", "--force")
    assert planned(copy) == [] and is_clean(copy)


def test_a_file_that_dvc_would_not_see_change_stops_with_the_remedy(copy):
    edit(copy, "dvc.yaml", f"      - {OWN}\n", "")
    a_benchmark_of_the_profile(copy)
    status, output = attempt(copy, "dvc", "repro")
    assert status != 0 and f"dvc.yaml: {OWN} is read by rule own_encoder, but no stage depends on it" in output


def test_other_folders_than_the_profiles_stop_with_the_remedy(copy):
    """With real pictures a generating profile's runs stand elsewhere, where no stage of dvc.yaml would keep them."""
    set_parameter(copy, "profiles.demo.data.lip", "real_lip")
    status, output = attempt(copy, "python", "-m", "workflow.job_records", "save", "runs/demo")
    assert status == 2 and "no stage of dvc.yaml keeps runs/demo-real_lip" in output
