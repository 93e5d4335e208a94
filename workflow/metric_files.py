"""Tables -> one small JSON per encoder, which `dvc metrics` shows as a line: its scores by table and metric."""

import argparse
import re
from pathlib import Path
from typing import Any

from liftedcl.files.atomic import read_json, write_json
from liftedcl.identity.errors import InputError, run_cli
from workflow.tables.made_table import read_made_table
from workflow.tables.recorded_runs import REMEDY


def write_metric_files(tables: list[Path], out: Path) -> None:
    """Write ``out/ROW.json`` for each row of ``tables``, csv files, and remove those of rows that no table has.

    Raises:
        InputError: a table is missing or damaged, or ``out`` holds other JSON files than these; nothing is written.
    """
    rows: dict[str, dict[str, Any]] = {}
    made = list(map(read_made_table, tables))
    for table in made:
        for record in table.records:
            if not re.fullmatch(r"[\w-]+", record["row"]):
                raise InputError(f"{table.csv}: {record['row']!r} is no name of a row; {REMEDY}")
            scores = {column.key: record[column.key] for column in table.columns if record[column.key] != ""}
            rows.setdefault(record["row"], {})[table.name] = scores
    there, names = set(out.glob("*.json")), {table.name for table in made}
    for path in sorted(there):
        content = read_json(path, "name another folder")
        if not isinstance(content, dict) or not content or not content.keys() <= names:
            raise InputError(f"{path}: holds no metrics of {', '.join(sorted(names))}; name a folder for them alone")
    for row, scores in rows.items():
        write_json(out / f"{row}.json", scores)
    for left in there - {out / f"{row}.json" for row in rows}:
        left.unlink()


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m workflow.metric_files", description="Write one metrics file per encoder, for `dvc metrics`."
    )
    parser.add_argument("tables", type=Path, nargs="+", help="results/TABLE.csv")
    parser.add_argument("--out", type=Path, required=True, help="folder of the metric files")
    arguments = parser.parse_args()
    write_metric_files(arguments.tables, arguments.out)


if __name__ == "__main__":
    run_cli(main)
