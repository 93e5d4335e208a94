"""The best row of a column, if the seeds allow to name one, and rows that are no better than no network. No torch."""

from collections.abc import Sequence
from typing import Any

from workflow.tables.paired import half_width
from workflow.tables.stored_scores import NO_ENCODER, REFERENCE
from workflow.tables.table_spec import Column


def best_row(column: Column, records: Sequence[dict[str, Any]]) -> str | None:
    """The row whose 95% interval over seeds is beyond that of every other row; None if there is no such row.

    With one seed there are no intervals, so no row is the best. Neither is a row that prints the same value as another
    one. Trivial predictor and bound don't compete.

    Args:
        records: lines of the csv, as in a `MadeTable`.
    """
    sign = 1 if column.better == "up" else -1
    intervals = []
    for record in records:
        if record["row"] in NO_ENCODER or record[column.key] == "":
            continue
        if record[f"{column.key}_std"] == "":
            return None
        mean = sign * record[column.key]
        half = half_width(record[f"{column.key}_std"], int(record["seeds"]))
        intervals.append((mean, mean - half, mean + half, record["row"]))
    intervals.sort(reverse=True)
    if len(intervals) < 2:
        return None
    (mean, low, _, row), *others = intervals
    apart = all(high < low and round(other, 1) != round(mean, 1) for other, _, high, _ in others)
    return row if apart else None


def beats(score: float, trivial: float, column: Column, digits: int = 1) -> bool:
    """Whether ``score`` is better than the trivial predictor's, as both are shown, with ``digits`` after the point."""
    score, trivial = round(score, digits), round(trivial, digits)
    return score > trivial if column.better == "up" else score < trivial


def not_beating(column: Column, records: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those of ``records`` whose score isn't better than the trivial predictor's; none if that has no score."""
    trivial = next(record[column.key] for record in records if record["row"] == REFERENCE)
    scored = [record for record in records if record["row"] not in NO_ENCODER and record[column.key] != ""]
    return [of for of in scored if trivial != "" and not beats(of[column.key], trivial, column)]


def marks(seeds: Sequence[int]) -> str:
    """What a mark says, in the words that stand under a table of ``seeds``."""
    if len(seeds) == 1:
        return "One seed: no row is marked as the best, and no difference has a verdict."
    return (
        "Bold: the best of a column, if its 95% interval over seeds (mean ± t · deviation / √seeds, Student's t)"
        " overlaps that of no other row. In brackets: the 95% interval of a difference, seed by seed."
    )
