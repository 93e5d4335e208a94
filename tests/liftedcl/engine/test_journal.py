"""The progress line."""

import re

import pytest

from liftedcl.engine import journal
from liftedcl.engine.journal import Journal, clock, short_names


@pytest.fixture
def passing(monkeypatch):
    """A clock that only this test moves; returns what moves it."""
    now = [1000.0]
    monkeypatch.setattr(journal.time, "monotonic", lambda: now[0])

    def wait(seconds):
        now[0] += seconds

    return wait


def last_line(capsys):
    return capsys.readouterr().out.splitlines()[-1]


def test_a_line_says_where_the_run_is(passing, capsys):
    run = Journal("liftedcl_in_cc", steps=2000, images_per_step=128, first_step=0)
    passing(10)
    run.line(20, {"encoder/inv": 4.51236, "encoder/equiv": 4.1, "critic/lsgan": 0.25})
    assert last_line(capsys) == (
        "[liftedcl_in_cc]   20/2000 steps  inv 4.512  equiv 4.1  lsgan 0.25  256 images/s  16:30 left"
    )


def test_the_rate_is_the_recent_one(passing, capsys):
    run = Journal("run", steps=1000, images_per_step=10, first_step=0)
    passing(600)
    run.line(1, {})
    for step in range(2, 60):
        passing(10)
        run.line(10 * step, {})
    line = last_line(capsys)
    assert "10 images/s" in line
    assert line.endswith("6:50 left")


def test_a_resumed_run_does_not_count_the_steps_before_it(passing, capsys):
    run = Journal("run", steps=1000, images_per_step=10, first_step=900)
    passing(10)
    run.line(910, {})
    assert "10 images/s" in last_line(capsys)


@pytest.mark.parametrize(("seconds", "step"), [(0, 5), (10, 0), (0, 0)])
def test_no_time_or_no_step_gives_no_rate(passing, capsys, seconds, step):
    run = Journal("run", steps=10, images_per_step=4, first_step=0)
    passing(seconds)
    run.line(step, {"encoder/inv": 1.0})
    assert "inv 1" in (line := last_line(capsys))
    assert "left" not in line


def test_slow_and_fast_rates_are_readable(passing, capsys):
    for steps, expected in ((1, "0.4 images/s"), (60000, "24000 images/s")):
        run = Journal("run", steps=100000, images_per_step=4, first_step=0)
        passing(10)
        run.line(steps, {})
        assert f"  {expected}  " in last_line(capsys)


def test_lines_are_due_every_few_seconds(passing):
    run = Journal("run", steps=10, images_per_step=4, first_step=0)
    assert not run.due()
    passing(11)
    assert run.due()
    run.line(1, {})
    assert not run.due()


def test_lines_of_one_run_stay_in_columns(passing, capsys):
    run = Journal("run", steps=12000, images_per_step=1, first_step=0)
    for step in (7, 11999):
        passing(10)
        run.line(step, {"encoder/inv": 1.0})
    places = {re.search("inv", line).start() for line in capsys.readouterr().out.splitlines()}
    assert len(places) == 1


def test_names_are_short_where_they_stay_apart():
    names = {"encoder/inv": 1, "encoder/adv": 2, "critic/adv": 3, "plain": 4}
    assert short_names(names) == ["inv", "encoder/adv", "critic/adv", "plain"]


def test_clock():
    assert [clock(s) for s in (0, 59.6, 61, 3599.4, 3599.6, 90061)] == [
        "0:00", "1:00", "1:01", "59:59", "1:00:00", "25:01:01",
    ]  # fmt: skip
