"""What the check commands print, and when they fail."""

import pytest

from downstream.reading.data_check import Finding, count_finding, report, tried
from downstream.reading.entries import WrongEntriesError
from liftedcl.identity.errors import InputError


def _raises(message):
    def read():
        raise InputError(message)

    return read


def test_a_count_is_compared_with_the_official_one_where_that_is_known():
    assert count_finding("people", 149_813, 149_813).state == "ok"
    assert count_finding("people", 7, None).state == "ok"
    assert count_finding("people", 0, None).state == "missing"
    other = count_finding("people", 149_812, 149_813)
    assert other.state == "differs" and "149,812" in other.text and "149,813" in other.text


def test_reading_tells_what_was_seen_or_what_is_wrong():
    assert tried("a.json", lambda: "3 people") == Finding("ok", "a.json: 3 people")
    assert tried("a.json", _raises("/x/a.json: not found; get it")) == Finding(
        "missing", "/x/a.json: not found; get it"
    )
    assert tried("a.json", _raises("/x/a.json: damaged; get it")) == Finding("broken", "/x/a.json: damaged; get it")


def test_all_faults_that_a_reader_found_are_listed_and_very_many_are_counted():
    def read():
        raise WrongEntriesError([f"{n}.png: not found" for n in range(70)] + ["70.png: damaged"], "get it")

    found = tried("maps", read)
    assert found.state == "broken" and "49.png" in found.text and "50.png" not in found.text
    assert found.text.endswith("and 21 more faults") and found.text.count("\n") == 50


def test_faults_of_this_project_are_not_taken_for_bad_data():
    with pytest.raises(ZeroDivisionError):
        tried("a.json", lambda: str(1 / 0))


@pytest.mark.parametrize(
    ("states", "whole", "last"),
    [
        (["ok", "ok"], True, "complete"),
        (["ok", "differs"], True, "complete, though not the official release"),
        (["missing", "ok"], False, "docs/data.md"),
        (["broken", "differs"], False, "docs/data.md"),
    ],
)
def test_only_missing_or_broken_data_fail(capsys, states, whole, last):
    findings = [Finding(state, f"thing {i}") for i, state in enumerate(states)]
    if whole:
        report("data", findings)
    else:
        with pytest.raises(SystemExit) as ended:
            report("data", findings)
        assert ended.value.code == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "data" and last in lines[-1]
    assert [line.split() for line in lines[1:-1]] == [[state, "thing", str(i)] for i, state in enumerate(states)]


def test_everything_is_looked_at_even_after_something_is_missing(capsys):
    seen = []

    def findings():
        for number, state in enumerate(("missing", "broken", "ok")):
            seen.append(number)
            yield Finding(state, "x")

    with pytest.raises(SystemExit):
        report("data", findings())
    assert seen == [0, 1, 2] and len(capsys.readouterr().out.splitlines()) == 5
