"""The state of jobs from their files alone: made-up jobs with real logs and claims."""

import fcntl
import json
import os
import time

import pytest
from repository import REPOSITORY

from liftedcl.files.atomic import CLAIM, write_json
from workflow.params import read_params
from workflow.planned_job import PlannedJob
from workflow.status.__main__ import page, text
from workflow.status.hours import hours_left
from workflow.status.job_state import state_of
from workflow.tables.shown_tables import read_tables

LINE = "[mine] 250/500 steps  loss 0.5  1:02:03 left"


@pytest.fixture
def job(tmp_path):
    """A training of the row ``name``, whose log holds ``log``, written a while ago."""

    def make(name, log=None, product=False, age=3600, **facts):
        folder = tmp_path / name
        folder.mkdir()
        if log is not None:
            (folder / "log.txt").write_text(log)
            os.utime(folder / "log.txt", (time.time() - age,) * 2)
        if product:
            (folder / "encoder.pt").touch()
            write_json(folder / "provenance.json", {"wall_seconds": 3600.0})
        params = {"folder": repr(str(folder)), "recipe": repr('{"method": "mae", "images": "coco"}')}
        return PlannedJob(
            "pretrain", {"row": name}, (f"{folder}/encoder.pt",), params=params, logs=(f"{folder}/log.txt",), **facts
        )

    return make


def known(job, alive=False):
    found = state_of(job, alive)
    return found.state, found.words


def test_a_job_is_done_or_missing(job):
    assert known(job("done", "said", product=True, done=True)) == ("done", "")
    assert known(job("missing")) == ("missing", "")
    assert known(job("removed", "[mine] 500/500 steps")) == ("missing", ""), "its log tells of no failure"


def test_a_job_whose_log_ends_with_an_error_has_failed(job):
    log = "Traceback\n\x1b[31merror: the loss is <inf>\x1b[0m\nerror: disk full; free some space\n\n"
    assert known(job("failed", log)) == ("failed", "error: disk full; free some space")
    killed = job("killed", f"{LINE}\n", begun=True)
    assert known(killed) == ("failed", LINE), "it began, and nothing runs it any more"
    assert known(job("empty", "", begun=True))[0] == "failed"


def test_a_job_runs_while_its_claim_is_held_or_its_log_grows(job, tmp_path):
    assert known(job("fresh", LINE, age=5, begun=True)) == ("running", LINE)
    held = job("held", LINE, begun=True)
    with open(tmp_path / "held" / CLAIM, "wb") as claim:
        fcntl.flock(claim, fcntl.LOCK_EX)
        assert known(held) == ("running", LINE)
    assert known(held)[0] == "failed"
    ended = job("ended", LINE, product=True, age=1, other="edited")
    assert known(ended) == ("stale", "Snakemake says: edited"), "it has just ended"
    assert known(job("dead", "error: disk full", age=1))[0] == "failed", "a fresh error is no progress"
    silent = PlannedJob("figure", outputs=(str(tmp_path / "none.png"),), begun=True)
    assert (known(silent, alive=True)[0], known(silent)[0]) == ("running", "missing")


def test_a_stale_job_tells_what_changed_or_what_it_follows(job):
    old, new = (f"'liftedcl.engine.loop={digit * 8}'" for digit in "12")
    edited = job("edited", product=True, old=frozenset([old]), new=frozenset([new]))
    edited.params["code"] = new
    assert known(edited) == ("stale", "the code of liftedcl.engine.loop changed")
    follows = job("follows", product=True, made_inputs=("start.pt",))
    assert known(follows) == ("stale", "its input start.pt is made again")


def test_the_hours_left_are_what_running_jobs_say_and_what_others_of_their_kind_took(job):
    states = [state_of(job(name, product=True, done=True), False) for name in ("one", "two")]
    states += [state_of(job("next"), False), state_of(job("runs", LINE, age=1, begun=True), False)]
    assert hours_left(states, "demo") == (pytest.approx(1 + (1 + 2 / 60 + 3 / 3600)), 0)
    assert hours_left(states[2:3], "demo") == (0, 1), "nothing is known of any"
    stale = state_of(job("stale", product=True, other="edited"), False)
    assert hours_left([stale], "demo") == (pytest.approx(1), 0), "it took so long before"


def test_text_and_page_say_the_same_and_no_name_or_message_is_markup(job):
    bad = "error: <script>alert(1)</script> & _ % =cmd"
    states = [state_of(job("a", product=True, done=True), False), state_of(job("b", bad), False)]
    said = "\n".join(text(states, "demo"))
    assert "2 jobs: done 1, failed 1" in said and bad in said and "left: about 60.0 min" in said
    shown = page(states, "demo")
    assert shown.count("<script") == 1 and "&lt;script&gt;alert(1)&lt;/script&gt; &amp; _ % =cmd" in shown
    assert "2 jobs: done 1, failed 1" in shown and "left: about 60.0 min" in shown


def test_every_training_of_the_paper_has_an_estimate():
    params = read_params(REPOSITORY / "params.yaml", {"profile": "paper"})
    tables = read_tables(REPOSITORY / "workflow/tables/tables.yaml", params)
    runs = {run for name in (f"table{number}" for number in range(1, 10)) for run in tables[name].runs([0])}
    estimated = json.loads((REPOSITORY / "workflow/status/gpu_hours.json").read_text())
    rows = {row for _, encoder, _ in runs for row in params.chain(encoder) if params.encoders[row].training}
    hours = [estimated[run] for run, *_ in runs] + [estimated[f"encoders/{row}"] for row in rows]
    assert len(hours) == 86 + 14
    for path, said in (
        ("docs/paper.md", f"| 14 | 86 | {sum(hours):.0f} |"),
        ("docs/cost.md", f"| {sum(hours):.0f} ("),
        ("README.md", f"About {round(sum(hours), -1):.0f} GPU hours"),
    ):
        assert said in (REPOSITORY / path).read_text(), path
