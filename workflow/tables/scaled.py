"""Scores between the trivial predictor's and the bound, so that different metrics can be compared and averaged."""

import statistics
from collections.abc import Iterable
from html import escape

from workflow.benchmark_recipes import benchmark_of
from workflow.tables.made_table import MadeTable
from workflow.tables.stored_scores import NO_ENCODER
from workflow.tables.table_spec import Column
from workflow.tables.table_text import row_name

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


def scaled_html(tables: Iterable[MadeTable]) -> str:
    """Scaled scores of each row in the tables about one benchmark alone, and their mean; "" for fewer than two tables.

    A table's score is its first metric, the mean over the seeds.
    """
    alone: dict[str, MadeTable] = {}
    for table in tables:
        benchmark, *others = {benchmark_of(column.benchmark) for column in table.columns}  # of variants too
        if not others:
            alone.setdefault(benchmark, table)
    if len(alone) < 2:
        return ""
    columns = [_scaled_rows(table) for table in alone.values()]
    names = {record["row"]: row_name(record) for table in alone.values() for record in table.records}
    heads = "".join(f'<th class="number">{escape(name)}</th>' for name in (*alone, "mean"))
    lines = [f"<tr><th>Row</th>{heads}</tr>"]
    for row in dict.fromkeys(row for column in columns for row in column):
        values = [column.get(row) for column in columns]
        values.append(None if None in values else statistics.fmean(values))
        cells = (f'<td class="number">{"–" if value is None else f"{value:.1f}"}</td>' for value in values)
        lines.append(f"<tr><td>{escape(names[row])}</td>{''.join(cells)}</tr>")
    return "\n".join([f"<p>{SCALED}</p>", '<div class="box"><table class="scores">', *lines, "</table></div>"])


def _scaled_rows(table: MadeTable) -> dict[str, float | None]:
    """The first metric of each encoder's row, scaled."""
    column = table.columns[0]
    scores = {of["row"]: None if of[column.key] == "" else of[column.key] for of in table.records}
    trivial, bound = (scores.pop(row) for row in NO_ENCODER)
    return {row: scaled(score, trivial, bound, column) for row, score in scores.items()}
