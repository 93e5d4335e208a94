"""Tables -> one small JSON per encoder, which `dvc metrics` shows as a line: its scores by table and metric."""

import argparse
import csv
from pathlib import Path
from typing import Any

from liftedcl.files.atomic import read_json, write_json
from liftedcl.identity.errors import InputError, run_cli


def write_metric_files(tables: list[Path], out: Path) -> None:
    """Write ``out/ROW.json`` for each row of ``tables``, and remove those of rows that are in none.

    Args:
        tables: csv files of `workflow.tables`, with their ``.provenance.json`` beside them.
        out: folder of the metric files, which are its only files.

    Raises:
        InputError: a table is missing or damaged.
    """
    rows: dict[str, dict[str, Any]] = {}
    for table in tables:
        remedy = f"make it with `snakemake {table}`"
        columns = read_json(table.with_suffix(".provenance.json"), remedy)["columns"]
        try:
            with table.open(newline="", encoding="utf-8") as file:
                for record in csv.DictReader(file):
                    scores = {key: float(record[key]) for key in columns if record[key]}
                    rows.setdefault(record["row"], {})[table.stem] = scores
        except (OSError, KeyError, ValueError) as error:
            raise InputError(f"{table}: missing or damaged ({error}); {remedy}") from None
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
