"""Tables -> one small JSON per encoder, which `dvc metrics` shows as a line: its scores by table and metric."""

import argparse
from pathlib import Path
from typing import Any

from liftedcl.files.atomic import write_json
from liftedcl.identity.errors import run_cli
from workflow.tables.made_table import read_made_table


def write_metric_files(tables: list[Path], out: Path) -> None:
    """Write ``out/ROW.json`` for each row of ``tables``, csv files, and remove those of rows that no table has.

    Raises:
        InputError: a table is missing or damaged.
    """
    rows: dict[str, dict[str, Any]] = {}
    for table in map(read_made_table, tables):
        for record in table.records:
            scores = {column.key: record[column.key] for column in table.columns if record[column.key] != ""}
            rows.setdefault(record["row"], {})[table.name] = scores
    for left in set(out.glob("*.json")) - {out / f"{row}.json" for row in rows}:
        left.unlink()
    for row, scores in rows.items():
        write_json(out / f"{row}.json", scores)


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
