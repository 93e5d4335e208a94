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
    if len(columns) < 2:
        return ""
    names = {record["row"]: row_name(record) for table in reversed(tables) for record in table.records}
    lines = []
    for row in dict.fromkeys(row for column in columns.values() for row in column):
        values = {benchmark: column.get(row) for benchmark, column in columns.items()}
        values["mean of all"] = None if None in values.values() else statistics.fmean(values.values())
        cells = (_cell(names[row], benchmark, value) for benchmark, value in values.items())
        lines.append(f"\n<tr><td>{escape(names[row])}</td>{''.join(cells)}</tr>")
    heads = (f'<th scope="col" class="number" data-better="up">{escape(name)}</th>' for name in (*columns, "mean"))
    head = f'<thead><tr><th scope="col">Row</th>{"".join(heads)}</tr></thead>'
    table = f'<table class="scores heat" data-explore aria-label="Scaled scores">{head}<tbody>{"".join(lines)}</tbody>'
    return f'<p>{SCALED}</p><div class="box">{table}</table></div>'


def _cell(row: str, benchmark: str, value: float | None) -> str:
    if value is None:
        return '<td class="number" title="not measured, or not defined">–</td>'
    strength = min(max(value, 0.0), 100.0) * 0.6  # the text stays readable on the deepest colour
    colour = f"color-mix(in srgb, var(--link) {strength:.0f}%, var(--{'card' if value > 0 else 'warn-page'}))"
    said = escape(f"{row}, {benchmark}: {value:.1f} % of the way from the trivial predictor to the bound")
    return f'<td class="number" data-value="{value:.6g}" data-tip="{said}" style="background:{colour}">{value:.1f}</td>'
