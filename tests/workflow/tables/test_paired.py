"""Paired differences against scipy's test, and the words that go with the paper's differences."""

import numpy as np
import pytest
from scipy import stats

from workflow.tables.paired import paired


@pytest.mark.parametrize("count", [2, 3, 10])
def test_interval_and_p_are_students(count):
    ours, theirs = np.random.default_rng(count).normal(size=(2, count))
    found, expected = paired(ours.tolist(), theirs.tolist()), stats.ttest_rel(ours, theirs)
    interval = expected.confidence_interval(0.95)
    assert found.mean == pytest.approx((ours - theirs).mean())
    assert (found.low, found.high, found.p) == pytest.approx((interval.low, interval.high, expected.pvalue))


@pytest.mark.parametrize(
    ("ours", "theirs", "stated", "verdict"),
    [
        ([3.0], [1.0], 0.5, "agree, one seed"),
        ([3.0], [1.0], -0.5, "disagree, one seed"),
        ([3.04], [3.0], 0.5, "no difference, one seed"),
        ([3.0, 3.1, 3.2], [1.0, 1.2, 1.1], 0.5, "agree"),
        ([3.0, 3.1, 3.2], [1.0, 1.2, 1.1], -0.5, "disagree"),
        ([3.0, 0.0, 3.2], [1.0, 2.2, 1.1], -0.5, "within noise"),
    ],
)
def test_verdicts(ours, theirs, stated, verdict):
    assert paired(ours, theirs).verdict(stated) == verdict


def test_seeds_have_to_match():
    with pytest.raises(ValueError):
        paired([1.0, 2.0], [1.0])
