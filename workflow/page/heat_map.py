"""All benchmarks at a glance: scaled scores of each row as a coloured table."""

import statistics
from collections.abc import Sequence
from html import escape

from workflow.tables.made_table import MadeTable
from workflow.tables.scaled import SCALED, scaled_rows
from workflow.tables.table_text import row_name


def heat_map(tables: Sequence[MadeTable]) -> str:
    """A cell for each row and benchmark, and their mean; "" for fewer than two benchmarks.

    A colour says no more than its number: the deeper, the nearer to the bound; orange is no better than no network.
    """
    columns = scaled_rows(tables)
    names = {record["row"]: row_name(record) for table in tables for record in table.records}
    if len(columns) < 2:
        return ""
    rows = dict.fromkeys(row for column in columns.values() for row in column)
    lines = []
    for row in rows:
        values = [column.get(row) for column in columns.values()]
        mean = None if None in values else statistics.fmean(values)
        named = [*zip(columns, values, strict=True), ("mean of all", mean)]
        cells = [_cell(names[row], benchmark, value) for benchmark, value in named]
        lines.append(f"<tr><td>{escape(names[row])}</td>{''.join(cells)}</tr>")
    heads = ["Row", *columns, "mean"]
    titles = "".join(f'<th scope="col"{_NUMBER if i else ""}>{escape(name)}</th>' for i, name in enumerate(heads))
    head = f'<table class="scores heat" data-explore aria-label="Scaled scores"><thead><tr>{titles}</tr></thead>'
    body = "".join(f"\n{line}" for line in lines)
    return f'<p>{SCALED}</p><div class="box">{head}<tbody>{body}</tbody></table></div>'


_NUMBER = ' class="number" data-better="up"'


def _cell(row: str, benchmark: str, value: float | None) -> str:
    if value is None:
        return '<td class="number" title="not measured, or not defined">–</td>'
    strength = min(max(value, 0.0), 100.0) * 0.6  # the text stays readable on the deepest colour
    colour = f"color-mix(in srgb, var(--link) {strength:.0f}%, var(--{'card' if value > 0 else 'warn-page'}))"
    said = escape(f"{row}, {benchmark}: {value:.1f} % of the way from the trivial predictor to the bound")
    return f'<td class="number" data-value="{value:.6g}" data-tip="{said}" style="background:{colour}">{value:.1f}</td>'
