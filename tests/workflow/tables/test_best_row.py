"""The best row of a column: its interval over seeds is apart from all others, in the column's direction."""

import numpy as np
import pytest
from scipy import stats

from workflow.tables.best_row import best_row
from workflow.tables.table_spec import Column

UP, DOWN = (Column(key="m", name="M", unit="", better=better) for better in ("up", "down"))


def records(rows):
    """Lines of a csv from row -> scores of its seeds."""
    return [
        {
            "row": row,
            "seeds": len(scores),
            "m": np.mean(scores) if scores else "",
            "m_std": np.std(scores, ddof=1) if len(scores) > 1 else "",
        }
        for row, scores in rows.items()
    ]


@pytest.mark.parametrize("seeds", [2, 3, 5])
@pytest.mark.parametrize(("column", "sign"), [(UP, 1), (DOWN, -1)])
def test_the_interval_of_the_best_begins_where_all_others_have_ended(seeds, column, sign):
    """Two rows are moved apart until scipy's intervals no longer touch."""
    drawn = np.random.default_rng(seeds).normal(size=(2, seeds))
    wide, narrow = drawn - drawn.mean(axis=1, keepdims=True)
    narrow = narrow / 4
    touching = sum(stats.sem(scores) for scores in (wide, narrow)) * stats.t.ppf(0.975, seeds - 1)
    for shift, best in ((0.99 * touching, None), (1.01 * touching, "wide")):
        found = {"narrow": narrow.tolist(), "wide": (wide + sign * shift).tolist(), "far": (wide - sign * 1e3).tolist()}
        assert best_row(column, records(found)) == best


def test_one_seed_names_no_best_however_far_it_is():
    assert best_row(UP, records({"a": [1.0], "b": [100.0]})) is None


def test_a_row_without_a_score_and_the_trivial_predictor_do_not_compete():
    rows = {"a": [1.0, 1.1], "b": [90.0, 90.1], "missing": []}
    trivial = {"row": "reference", "seeds": "", "m": 500.0, "m_std": ""}
    assert best_row(UP, [trivial, *records(rows)]) == "b"
    assert best_row(UP, [trivial, *records({"a": [1.0, 1.1], "missing": []})]) is None, "nothing to be better than"


def test_what_prints_the_same_is_not_told_apart():
    """Both print 1.0, though no interval has a width."""
    assert best_row(UP, records({"a": [1.01, 1.01], "b": [1.02, 1.02]})) is None
    assert best_row(UP, records({"a": [1.01, 1.01], "b": [1.32, 1.32]})) == "b"


def test_a_csv_that_was_read_has_its_numbers_of_seeds_as_text():
    read = [record | {"seeds": str(record["seeds"])} for record in records({"a": [1.0, 1.1], "b": [90.0, 90.1]})]
    assert best_row(DOWN, read) == "a"
