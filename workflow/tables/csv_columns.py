"""Columns of a table's csv: texts about each row, numbers of each metric, and how the scores were taken."""

from collections.abc import Iterable

TEXTS = ("profile", "row", "method", "pretraining", "seeds", "missing", "paper_says", "measured_here")
_OF_A_METRIC = ("", "_std", "_difference", "_low", "_high", "_p")


def numbers(keys: Iterable[str]) -> list[str]:
    """The columns of metrics with these keys."""
    return [key + suffix for key in keys for suffix in _OF_A_METRIC]


def taken(keys: Iterable[str]) -> str | None:
    """The first of the keys of metrics and settings that would share a column with another one or with a text."""
    seen = set(TEXTS)
    for key in keys:
        columns = set(numbers([key]))
        if columns & seen:
            return key
        seen |= columns
    return None
