r"""Single values of a table for a LaTeX text: ``\score{table4/liftedcl_in_cc/mpjpe_mm}``. No torch."""

import re
from collections.abc import Iterator
from typing import Any

from workflow.tables.made_table import MadeTable
from workflow.tables.table_text import one_line, signed, tex_head, tex_text

_COMMAND = r"""\providecommand{\score}[1]{\ifcsname score:#1\endcsname\csname score:#1\endcsname
  \else\errmessage{no score #1; its table may have been made without it}\fi}"""


def macros(table: MadeTable) -> str:
    r"""A file for ``\input``: for each row and column the mean and, over seeds, deviation, difference and its interval.

    Names are TABLE/ROW/COLUMN, and these with /std, /difference and /interval behind it.
    """
    how = one_line(f"% Of each value: python -m workflow.explain {table.csv} --row ROW --column COLUMN")
    lines = [tex_head(table), how, _COMMAND]
    for record in table.records:
        for column in table.columns:
            name = "/".join(re.sub(r"[^\w.-]", "-", part) for part in (table.name, record["row"], column.key))
            lines += [
                rf"\expandafter\def\csname score:{name}{more}\endcsname{{{tex_text(value)}}}"
                for more, value in _values(record, column.key)
            ]
    return "\n".join(lines) + "\n"


def _values(record: dict[str, Any], key: str) -> Iterator[tuple[str, str]]:
    if record[key] != "":
        yield "", f"{record[key]:.1f}"
    if record[f"{key}_std"] != "":
        yield "/std", f"{record[f'{key}_std']:.1f}"
    if record[f"{key}_difference"] != "":
        yield "/difference", signed(record[f"{key}_difference"])
    if record[f"{key}_low"] != "":
        yield "/interval", f"[{signed(record[f'{key}_low'])}, {signed(record[f'{key}_high'])}]"
