"""Ranges of plausible values: what a message says, predictions in another unit, and that the pages list all ranges."""

from pathlib import Path

import numpy as np
import pytest
from repository import REPOSITORY

import downstream.h36m.shared.plausible as h36m
import downstream.mpii.plausible as mpii
import downstream.pw3d.plausible as pw3d
from downstream.reading.entries import Entries, WrongEntriesError
from downstream.reading.plausible import Plausible, check_scale, units
from liftedcl.identity.errors import InputError


@pytest.mark.parametrize(("page", "module"), [("h36m", h36m), ("mpii", mpii), ("pw3d", pw3d)])
def test_the_pages_list_every_range(page, module):
    text = (REPOSITORY / "docs" / "data" / f"{page}.md").read_text()
    ranges = [value for value in vars(module).values() if isinstance(value, Plausible)]
    listed = [f"| {value.low:g} to {value.high:g} {value.unit}".rstrip() + " |" for value in ranges]
    assert len(ranges) >= 4 and [line for line in listed if line not in text] == []


def test_the_unit_that_explains_a_value_is_named():
    height = Plausible(0.5, 3, "m", units("m"))
    assert "in mm, where m is expected" in height.problem("it is", 1700)
    assert "in cm, where m is expected" in height.problem("it is", 170)
    assert height.problem("it is", 1e9) == "it is 1e+09 m, where 0.5 to 3 can be"


@pytest.mark.parametrize("factor", [1000, 0.5])
def test_predictions_are_only_suspected_where_a_factor_explains_them(factor):
    rng = np.random.default_rng(0)
    truth = rng.normal(0, 100, (50, 17, 3))
    causes, path = {factor: "are of another unit"}, Path("p.npz")
    check_scale(truth, truth, causes, path)
    check_scale(np.zeros_like(truth), truth, causes, path)
    check_scale(rng.normal(0, 100, truth.shape), truth, causes, path)
    with pytest.raises(InputError, match=rf"p\.npz: the predictions are of another unit; multiply them by {factor}"):
        check_scale((truth + rng.normal(0, 10, truth.shape)) / factor, truth, causes, path)


def test_each_entry_is_told_for_its_first_fault_and_places_are_those_of_the_file():
    entries = Entries(Path("a.json"), "get it again", [0, 4, 5, 9], ["a", "b", "c", "d"])
    values = entries.numbers({0: 1.0, 4: "2", 5: True, 9: np.nan}.get, "size")
    assert values[0] == 1 and np.isnan(values[1:]).all() and entries.good.tolist() == [True, False, False, False]
    entries.check(values < 1, "too large")
    entries.within("size is", values, Plausible(0, 0.5, "m"))
    with pytest.raises(WrongEntriesError) as caught:
        entries.finish()
    assert caught.value.problems == [
        "a.json: sample 4: size is missing or no number that fits (b); so it is with 1 more: 5",
        "a.json: sample 9: size holds NaN or infinity (d)",
        "a.json: sample 0: too large (a)",
    ]
    assert str(caught.value).endswith("so it is with 1 more: 5 (and 2 other faults, which `check` lists); get it again")
    entries.finish()  # all was told


def test_a_file_without_entries_has_no_wrong_ones():
    entries = Entries(Path("a.json"), "get it again", [])
    boxes = entries.numbers({}.__getitem__, "bbox", (4,))
    entries.within("bbox is", boxes, Plausible(0, 1, "px"))
    entries.within("score is", entries.numbers({}.__getitem__, "score"), Plausible(0, 1, ""))
    entries.finish()


def test_flags_may_be_true_or_false_and_other_numbers_may_not():
    entries = Entries(Path("a.json"), "get it again", range(2))
    rows = [[1, True], [0, False]]
    assert entries.numbers(rows.__getitem__, "seen", (2,), flags=True).tolist() == [[1, 1], [0, 0]]
    entries.numbers([[1.5, 2.0], [np.True_, 3.0]].__getitem__, "place", (2,))
    with pytest.raises(InputError, match="sample 1: place is missing or no number"):
        entries.finish()
