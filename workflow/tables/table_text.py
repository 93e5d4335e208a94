"""Records of a table as Markdown and as LaTeX: values with their deviation, the best marked if seeds allow it."""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from workflow.tables.best_row import best_row, marks, not_beating
from workflow.tables.made_table import MadeTable
from workflow.tables.stored_scores import BOUND

_TEX = str.maketrans(
    {sign: rf"\{sign}" for sign in "&%_#{}$"}
    | {"\\": r"\textbackslash{}", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "|": r"\textbar{}"}
    | {"<": r"\textless{}", ">": r"\textgreater{}", "±": r"$\pm$"}
)
_MARKDOWN = str.maketrans({sign: rf"\{sign}" for sign in "\\|`*$~"} | {"&": "&amp;", "<": "&lt;", ">": "&gt;"})


def label_of(name: str) -> str:
    """``table4`` is Table 4, ``data_efficiency`` Data efficiency, and ``h36m_probe`` Human3.6M probe."""
    words = re.sub(r"^(table|figure)(?=\d)", r"\1 ", name).replace("_", " ").replace("h36m", "Human3.6M")
    return words[:1].upper() + words[1:]


def not_the_papers(profile: str) -> str:
    """The warning beside values of ``profile``; empty for the paper's."""
    if profile == "paper":
        return ""
    return f"{profile} values: not the paper's experiment; compare nothing published with them."


def stated(difference: dict[str, Any]) -> str:
    """What the paper says about an entry of ``differences`` in a table's provenance."""
    values = ", ".join(f"{of['name']} {signed(of['paper'])} {of['unit']}" for of in difference["metrics"])
    return f"{values} against {difference['against']} ({difference['source']})"


def measured(difference: dict[str, Any]) -> str:
    """What was measured here, its 95% interval over seeds, and the verdict."""
    values = [
        f"{of['name']} " + ("not measured" if of["ours"] is None else f"{with_interval(of)} ({of['verdict']})")
        for of in difference["metrics"]
    ]
    return f"{', '.join(values)} against {difference['against']}"


def with_interval(metric: dict[str, Any]) -> str:
    """What was measured here for one metric of a difference, such as -1.2 mm [-1.9, -0.5]."""
    interval = "" if metric["low"] is None else f" [{signed(metric['low'])}, {signed(metric['high'])}]"
    return f"{signed(metric['ours'])} {metric['unit']}{interval}"


def markdown(table: MadeTable, settings: dict[str, str]) -> str:
    """The table, how its scores were taken, what is missing, and the paper's differences beside ours.

    ``settings`` says what the table's settings are called.
    """
    heads = ["profile", "method", "pre-training", *(f"{column.name} ({column.unit})" for column in table.columns)]
    lines = [*heading(table.title, table.profile), markdown_row(heads), "|---|---|---|" + "---:|" * len(table.columns)]
    lines += ["| " + " | ".join(cells) + " |" for _, cells in _rows(table, "**{}**", markdown_text)]
    lines.append("")
    names = {record["row"]: row_name(record) for record in table.records}
    said = [*notes(table), *(f"{name}: {setting(table, key)}" for key, name in settings.items())]
    said += [f"{names[of['row']]} is missing: {of['missing']}" for of in table.records if of["missing"]]
    said += [
        f"{names[of['row']]}: the paper says {stated(of)}; measured here ({table.profile}): {measured(of)}."
        for of in table.differences
    ]
    return "\n".join([*lines, *(f"- {markdown_text(text)}" for text in said)]) + "\n"


def latex(table: MadeTable) -> str:
    """A ``tabular`` for ``\\usepackage{booktabs}``."""
    heads = ["Profile", "Method", "Pre-training", *(f"{column.name} ({column.unit})" for column in table.columns)]
    lines = [tex_head(table), r"\begin{tabular}{lll" + "r" * len(table.columns) + "}", r"\toprule"]
    lines += [_tex_row(map(tex_text, heads)), r"\midrule"]
    for record, cells in _rows(table, r"\textbf{{{}}}", tex_text):
        lines.append(_tex_row(cells))
        if record["row"] == BOUND:
            lines.append(r"\midrule")
    lines += [r"\bottomrule", r"\end{tabular}", *(f"% {one_line(note)}" for note in notes(table))]
    return "\n".join(lines) + "\n"


def tex_head(table: MadeTable) -> str:
    """The comment above a table's values in a file for LaTeX."""
    return f"% {one_line(f'{table.title}; profile {table.profile}. {not_the_papers(table.profile)}')}"


def heading(title: str, profile: str) -> list[str]:
    """Lines above a Markdown table of values of ``profile``."""
    warning = markdown_text(not_the_papers(profile))
    return [markdown_text(f"### {title} — profile {profile}"), "", *([f"**{warning}**", ""] if warning else [])]


def markdown_row(texts: Iterable[str]) -> str:
    return f"| {' | '.join(map(markdown_text, texts))} |"


def markdown_text(text: str) -> str:
    """``text`` in one line, in which no sign is markup."""
    escaped = one_line(text).translate(_MARKDOWN).replace("](", r"]\(")
    return re.sub(r"(?<!\w)_|_(?!\w)", r"\\_", escaped)  # inside a word it is no markup


def tex_text(text: str) -> str:
    """``text`` in one line, in which no sign is a command of LaTeX."""
    return one_line(text).translate(_TEX)


def one_line(text: str) -> str:
    """``text`` with a space in place of each stretch of white space, such as a line break."""
    return " ".join(text.split())


def row_name(record: dict[str, Any]) -> str:
    return f"{record['method']} ({record['pretraining']})"


def notes(table: MadeTable) -> list[str]:
    """What has to be known to read the values."""
    frozen = ", ".join(column.name for column in table.columns if column.frozen)
    said = [f"{frozen}: only the head is trained, on an encoder that stays as it is."] if frozen else []
    published = [f"published, and no run of this project: {table.published}"] if table.published else []
    return [*said, *_no_better(table), marks(table.seeds), *published]


def _no_better(table: MadeTable) -> Iterator[str]:
    """For the first metric of each benchmark, which rows don't beat the predictor that sees no image."""
    for column in {column.benchmark: column for column in reversed(table.columns)}.values():
        if rows := not_beating(column, table.records):
            yield f"{column.name}: no better than the trivial predictor: {', '.join(map(row_name, rows))}."


def setting(table: MadeTable, key: str) -> str:
    """All values of one of the table's settings; for any but the commonest, which rows have it."""
    rows: dict[str, list[str]] = {}
    for record in table.records:
        if record[key]:
            rows.setdefault(record[key], []).append(row_name(record))
    commonest = max(rows, key=lambda value: len(rows[value]), default="")
    return "; ".join(value if value == commonest else f"{value} ({', '.join(of)})" for value, of in rows.items())


def _rows(table: MadeTable, bold: str, escaped: Callable[[str], str]) -> Iterator[tuple[dict[str, Any], list[str]]]:
    """Each record and its cells, ``escaped``, with the best values put into ``bold``."""
    best = {column.key: best_row(column, table.records) for column in table.columns}
    for record in table.records:
        cells = [escaped(record[key]) for key in ("profile", "method", "pretraining")]
        for key, row in best.items():
            spread = f" ± {record[f'{key}_std']:.1f}" if record[f"{key}_std"] != "" else ""
            cell = escaped("missing" if record[key] == "" else f"{record[key]:.1f}{spread}")
            cells.append(bold.format(cell) if record["row"] == row else cell)
        yield record, cells


def signed(value: float) -> str:
    """With its sign, to a tenth; a value that rounds to zero is +0.0."""
    return f"{round(value, 1) + 0.0:+.1f}"


def _tex_row(cells: Iterable[str]) -> str:
    return " & ".join(cells) + r" \\"
