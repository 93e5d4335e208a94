"""One finished table as HTML: values, the best marked if seeds allow it, what is missing, differences.

The script of the page sorts, filters and plots by the attributes ``data-...`` of the cells.
"""

from collections.abc import Iterator
from html import escape
from typing import Any

from workflow.tables.best_row import best_row
from workflow.tables.made_table import MadeTable
from workflow.tables.paired import half_width
from workflow.tables.recorded_runs import duration
from workflow.tables.stored_scores import NO_ENCODER
from workflow.tables.table_text import label_of, not_the_papers, notes, row_name, setting, signed, with_interval

_ARROWS = {"up": ("↑", "higher is better"), "down": ("↓", "lower is better")}
_CLASSES = {"agree": "agree", "disagree": "disagree", "no difference": "noise", "within noise": "noise"}
_FORMS = (".csv", ".md", ".tex", ".macros.tex", ".provenance.json")


def table_html(table: MadeTable) -> str:
    """A section with the id ``table.name``; its links are relative to the table's folder."""
    kind, more = (" warn", " · not the paper's experiment") if not_the_papers(table.profile) else ("", "")
    forms = [form for form in _FORMS if table.csv.with_suffix(form).exists()]
    links = " · ".join(f'<a href="{escape(table.name)}{form}">{form[1:]}</a>' for form in forms)
    parts = [
        f'<section class="table" id="{escape(table.name)}">',
        f'<div class="head"><h3>{escape(f"{label_of(table.name)} · {table.title}")}</h3>',
        f'<span class="mark{kind}">{escape(table.profile)} values{more}</span></div>',
        _scores(table),
        _notes(table),
        _comparisons(table),
        f'<div class="small quiet">Files: {links}</div>',
        _runs(table),
        "</section>",
    ]
    return "\n".join(parts)


def _scores(table: MadeTable) -> str:
    heads = ['<th scope="col">Method</th><th scope="col">Pre-training</th>']
    for column in table.columns:
        arrow, words = _ARROWS[column.better]
        name = f"{escape(column.name)} ({escape(column.unit)}) {arrow}"
        heads.append(f'<th scope="col" class="number" data-better="{column.better}" title="{words}">{name}</th>')
    best = {column.key: best_row(column, table.records) for column in table.columns}
    fixed, lines = [], []
    for record in table.records:
        method, data = escape(record["method"]), escape(record["pretraining"])
        reference = record["row"] in NO_ENCODER
        cells = [f'<td colspan="2">{method}</td>' if reference else f"<td>{method}</td><td>{data}</td>"]
        for key, row in best.items():
            kind = "number best" if record["row"] == row else "number"
            cells.append(f'<td class="{kind}"{_plotted(record, key)}>{_cell(record, key)}</td>')
        kind = ' class="reference"' if reference else ""
        (fixed if reference else lines).append(f"<tr{kind}>{''.join(cells)}</tr>")
    title = escape(f"{label_of(table.name)}: {table.title}")
    kinds = ((' class="fixed"', fixed), ("", lines))  # the first stay on top, however the others are sorted
    bodies = [f"<tbody{kind}>\n" + "\n".join(rows) + "</tbody>" for kind, rows in kinds]
    head = f'<table class="scores" data-explore aria-label="{title}"><thead><tr>{"".join(heads)}</tr></thead>'
    return f'<div class="box">{head}{"".join(bodies)}</table></div>'


def _plotted(record: dict[str, Any], key: str) -> str:
    """The mean of a cell and, if there are seeds, the ends of its 95% interval, as attributes."""
    if record[key] == "":
        return ""
    said = f' data-value="{record[key]:.6g}"'
    if record[f"{key}_std"] == "" or record["row"] in NO_ENCODER:
        return said
    half = half_width(record[f"{key}_std"], int(record["seeds"]))
    return f'{said} data-low="{record[key] - half:.6g}" data-high="{record[key] + half:.6g}"'


def _cell(record: dict[str, Any], key: str) -> str:
    if record[key] == "":
        return '<span class="lacks">missing</span>'
    text = f"{record[key]:.1f}"
    if record[f"{key}_std"] != "":
        text += f' <span class="spread">± {record[f"{key}_std"]:.1f}</span>'
    if record[f"{key}_low"] != "":
        shift, low, high = (_signed(record[f"{key}_{name}"]) for name in ("difference", "low", "high"))
        text += f'<span class="shift" title="p = {record[f"{key}_p"]:.4f}">{shift} [{low},&nbsp;{high}]</span>'
    return text


def _signed(value: float) -> str:
    return signed(value).replace("-", "−")


def _notes(table: MadeTable) -> str:
    lines = list(map(escape, notes(table)))
    if any(record[f"{column.key}_low"] != "" for record in table.records for column in table.columns):
        baseline = next(_name(record) for record in table.records if record["row"] == table.baseline)
        lines.append(f"Below a value: its difference to {baseline} over the same seeds, with its 95% interval.")
    lines += [f"{escape(key.replace('_', ' '))}: {escape(setting(table, key))}" for key in table.settings]
    lines += [
        f'<span class="lacks">missing</span>: {_name(record)}: {escape(record["missing"])}'
        for record in table.records
        if record["missing"]
    ]
    return f'<ul class="notes">{"".join(f"<li>{line}</li>" for line in lines)}</ul>'


def _name(record: dict[str, Any]) -> str:
    return escape(row_name(record))


def _comparisons(table: MadeTable) -> str:
    """What the paper says of a difference, what was measured here, and the verdict."""
    names = {record["row"]: _name(record) for record in table.records}
    lines = [line for of in table.differences for line in _differences(names[of["row"]], of)]
    heads = '<th>Difference</th><th class="number">Paper says</th><th class="number">Measured here</th>'
    head = f"<tr>{heads}<th>Verdict</th><th>Source</th></tr>"
    return f'<div class="box small"><table>{head}{"".join(lines)}</table></div>' if lines else ""


def _differences(name: str, difference: dict[str, Any]) -> Iterator[str]:
    for of in difference["metrics"]:
        ours = "–" if of["ours"] is None else escape(with_interval(of)).replace("-", "−")
        yield (
            f"\n<tr><td>{name} − {escape(difference['against'])}, {escape(of['name'])}</td>"
            f'<td class="number">{_signed(of["paper"])} {escape(of["unit"])}</td><td class="number">{ours}</td>'
            f'<td class="{_CLASSES.get(of["verdict"], "quiet")}">{escape(of["verdict"])}</td>'
            f'<td class="quiet">{escape(difference["source"])}</td></tr>'
        )


def _runs(table: MadeTable) -> str:
    """How long each row's fine-tunings took, and the command that traces its cells to the data."""
    lines = []
    for record in (record for record in table.records if record["row"] not in NO_ENCODER):
        for column in {column.benchmark: column for column in reversed(table.columns)}.values():
            runs = [
                run
                for row, benchmark, run in table.runs
                if (row, benchmark, run.kind) == (record["row"], column.benchmark, "fine-tuning")
            ]
            times = ", ".join(duration(run.wall_seconds) for run in runs) or "not run"
            memory = f"{max(run.peak_memory_mib for run in runs) / 1024:.1f} GiB" if runs else ""
            command = f"python -m workflow.explain {table.csv} --row {record['row']} --column {column.key}"
            lines.append(
                f"<tr><td>{_name(record)}</td><td>{escape(column.benchmark)}</td>"
                f'<td class="number">{times}</td><td class="number">{memory}</td>'
                f'<td><code class="command">{escape(command)}</code></td></tr>'
            )
    heads = '<th>Row</th><th>Benchmark</th><th class="number">Wall time</th><th class="number">Peak memory</th>'
    body = f"<table><tr>{heads}<th>Where its values come from</th></tr>{''.join(lines)}</table>"
    summary = "<summary>Fine-tunings behind it, and how to trace a value</summary>"
    return f'<details>{summary}<div class="box">{body}</div></details>'
