"""Intervals against scipy's, and the words that go with the paper's differences."""

import numpy as np
import pytest
from scipy import stats

from workflow.tables.paired import half_width, paired


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
        ([3.0], [1.0], 0.5, "one seed: no verdict"),
        ([3.0], [1.0], -0.5, "one seed: no verdict"),
        ([3.04, 3.05, 3.04], [3.0, 3.0, 3.0], 0.5, "no difference"),
        ([3.0, 3.1, 3.2], [1.0, 1.2, 1.1], 0.5, "agree"),
        ([3.0, 3.1, 3.2], [1.0, 1.2, 1.1], -0.5, "disagree"),
        ([3.0, 0.0, 3.2], [1.0, 2.2, 1.1], -0.5, "within noise"),
    ],
)
def test_verdicts(ours, theirs, stated, verdict):
    assert paired(ours, theirs).verdict(stated) == verdict


@pytest.mark.parametrize("count", [2, 3, 10])
def test_the_interval_of_a_mean_is_students(count):
    values = np.random.default_rng(count).normal(5, 2, size=count)
    low, high = stats.t.interval(0.95, count - 1, values.mean(), stats.sem(values))
    half = half_width(values.std(ddof=1), count)
    assert (values.mean() - half, values.mean() + half) == pytest.approx((low, high))


def test_seeds_have_to_match():
    with pytest.raises(ValueError):
        paired([1.0, 2.0], [1.0])
