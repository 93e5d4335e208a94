"""Records of a table as Markdown and as LaTeX: values with their deviation, the best of each column marked."""

from collections.abc import Sequence
from typing import Any

from workflow.tables.made_table import MadeTable
from workflow.tables.stored_scores import REFERENCE
from workflow.tables.table_spec import Column

_PAPER = "paper"
_TEX = {"&": r"\&", "%": r"\%", "_": r"\_", "#": r"\#", "±": r"$\pm$"}


def not_the_papers(profile: str) -> str:
    """What has to stand beside values of ``profile``; nothing beside the paper's."""
    return (
        ""
        if profile == _PAPER
        else f"{profile} values: not the paper's experiment; compare nothing published with them."
    )


def stated(difference: dict[str, Any]) -> str:
    """What the paper says, of an entry of ``differences`` in a table's provenance."""
    values = ", ".join(f"{of['name']} {signed(of['paper'])} {of['unit']}" for of in difference["metrics"])
    return f"{values} against {difference['against']} ({difference['source']})"


def measured(difference: dict[str, Any]) -> str:
    """What was measured here, and whether the signs agree."""
    values = ", ".join(
        f"{of['name']} not measured"
        if of["ours"] is None
        else f"{of['name']} {signed(of['ours'])} {of['unit']} ({of['verdict']})"
        for of in difference["metrics"]
    )
    return f"{values} against {difference['against']}"


def markdown(table: MadeTable, settings: dict[str, str]) -> str:
    """The table, how its scores were taken, what is missing, and the paper's differences beside ours.

    ``settings`` says what the table's settings are called.
    """
    records = table.records
    lines = [f"### {table.title} — profile `{table.profile}`", ""]
    if warning := not_the_papers(table.profile):
        lines += [f"**{warning}**", ""]
    heads = ["profile", "method", "pre-training", *(f"{column.name} ({column.unit})" for column in table.columns)]
    lines += [f"| {' | '.join(heads)} |", "|---|---|---|" + "---:|" * len(table.columns)]
    best = {column.key: best_rows(column, records) for column in table.columns}
    for record in records:
        cells = [record["profile"], record["method"], record["pretraining"]]
        for column in table.columns:
            cell = _cell(record, column.key)
            cells.append(f"**{cell}**" if record["row"] in best[column.key] else cell)
        lines.append(f"| {' | '.join(cells)} |")
    lines.append("")
    for key, name in settings.items():
        lines.append(f"- {name}: {'; '.join(dict.fromkeys(record[key] for record in records if record[key]))}")
    lines += [f"- {_name(record)} is missing: {record['missing']}" for record in records if record["missing"]]
    names = {record["row"]: _name(record) for record in records}
    lines += [
        f"- {names[of['row']]}: the paper says {stated(of)}; measured here ({table.profile}): {measured(of)}."
        for of in table.differences
    ]
    return "\n".join(lines) + "\n"


def latex(table: MadeTable) -> str:
    """A ``tabular`` for ``\\usepackage{booktabs}``."""
    heads = ["Profile", "Method", "Pre-training", *(f"{column.name} ({column.unit})" for column in table.columns)]
    best = {column.key: best_rows(column, table.records) for column in table.columns}
    lines = [f"% {table.title}; profile {table.profile}. {not_the_papers(table.profile)}".rstrip()]
    lines += [r"\begin{tabular}{lll" + "r" * len(table.columns) + "}", r"\toprule", _tex_row(heads), r"\midrule"]
    for record in table.records:
        cells = [_tex(record[key]) for key in ("profile", "method", "pretraining")]
        for column in table.columns:
            cell = _tex(_cell(record, column.key))
            cells.append(rf"\textbf{{{cell}}}" if record["row"] in best[column.key] else cell)
        lines.append(" & ".join(cells) + r" \\")
        if record["row"] == REFERENCE:
            lines.append(r"\midrule")
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"]) + "\n"


def _name(record: dict[str, Any]) -> str:
    return f"{record['method']} ({record['pretraining']})"


def _cell(record: dict[str, Any], key: str) -> str:
    if record[key] == "":
        return "missing"
    spread = f" ± {record[f'{key}_std']:.1f}" if record[f"{key}_std"] != "" else ""
    return f"{record[key]:.1f}{spread}"


def best_rows(column: Column, records: Sequence[dict[str, Any]]) -> set[str]:
    """Rows with the best printed value of a column, none where all are equal; the trivial predictor doesn't compete."""
    values = {
        record["row"]: round(record[column.key], 1)
        for record in records
        if record["row"] != REFERENCE and record[column.key] != ""
    }
    best = (max if column.better == "up" else min)(values.values(), default=None)
    found = {row for row, value in values.items() if value == best}
    return found if len(found) < len(values) else set()


def signed(value: float) -> str:
    """With its sign, to a tenth; what rounds to nothing is +0.0."""
    return f"{round(value, 1) + 0.0:+.1f}"


def _tex_row(cells: list[str]) -> str:
    return " & ".join(_tex(cell) for cell in cells) + r" \\"


def _tex(text: str) -> str:
    for plain, escaped in _TEX.items():
        text = text.replace(plain, escaped)
    return text
