"""Scores between the trivial predictor's and the bound, so that different metrics can be compared and averaged."""

from collections.abc import Iterable

from workflow.benchmark_recipes import benchmark_of
from workflow.tables.made_table import MadeTable
from workflow.tables.stored_scores import NO_ENCODER
from workflow.tables.table_spec import Column

SCALED = (
    "Scaled: 0 is the trivial predictor, 100 the bound, which is what encoding and decoding leave of the true labels, "
    "a limit of the resolution and not of any method; the mean is over the first metric of each benchmark."
)


def scaled(score: float | None, trivial: float | None, bound: float | None, column: Column) -> float | None:
    """Percent of the way from ``trivial`` to ``bound``; below 0 where the trivial predictor is better.

    None if one of the three is, or if the bound isn't better than the trivial predictor.
    """
    if score is None or trivial is None or bound is None:
        return None
    way = bound - trivial
    return 100 * (score - trivial) / way if way * (1 if column.better == "up" else -1) > 0 else None


def scaled_rows(tables: Iterable[MadeTable]) -> dict[str, dict[str, float | None]]:
    """Benchmark -> row -> its scaled score; of tables about one benchmark alone, the first of each.

    A table's score is its first metric, the mean over the seeds.
    """
    scores: dict[str, dict[str, float | None]] = {}
    for table in tables:
        benchmark, *others = {benchmark_of(column.benchmark) for column in table.columns}  # of variants too
        if not others and benchmark not in scores:
            first = table.columns[0]
            means = {of["row"]: None if of[first.key] == "" else of[first.key] for of in table.records}
            trivial, bound = (means.pop(row) for row in NO_ENCODER)
            scores[benchmark] = {row: scaled(mean, trivial, bound, first) for row, mean in means.items()}
    return scores
