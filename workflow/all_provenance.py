"""The provenance of several tables in one file: each cell's runs, and each run once. No torch."""

import argparse
from pathlib import Path
from typing import Any

from liftedcl.files.atomic import write_json
from liftedcl.identity.errors import run_cli
from workflow.tables.recorded_runs import damage_named, read_provenance, stages


def all_provenance(paths: list[Path]) -> dict[str, Any]:
    """``tables``: table -> what it is, and for each row and column its runs; ``runs``: folder -> what it recorded.

    A fine-tuning names the encoder it began from, and an encoder the one before it: a chain back to the data.

    Raises:
        InputError: a file is missing or damaged.
    """
    tables: dict[str, Any] = {}
    runs: dict[str, Any] = {}
    for path in paths:
        provenance = read_provenance(path)
        with damage_named(path):
            for chain in (chain for row in provenance["rows"].values() for chains in row.values() for chain in chains):
                steps = stages(chain)
                starts = [run for _, run, _ in steps[1:]] + [None]
                for (_, run, record), start in zip(steps, starts, strict=True):
                    runs[run] = {"from": start, "provenance": record}
            cells = {
                row: {
                    column: [chain["run"] for chain in benchmarks[of["benchmark"]]]
                    for column, of in provenance["columns"].items()
                }
                for row, benchmarks in provenance["rows"].items()
            }
            tables[path.name.removesuffix(".provenance.json")] = {**provenance, "rows": cells}
    return {"tables": tables, "runs": dict(sorted(runs.items()))}


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m workflow.all_provenance", description="Gather the provenance of tables in one file."
    )
    parser.add_argument("--provenance", type=Path, nargs="+", required=True, help="results/TABLE.provenance.json")
    parser.add_argument("--out", type=Path, required=True, help="the JSON to write")
    arguments = parser.parse_args()
    write_json(arguments.out, all_provenance(arguments.provenance))


if __name__ == "__main__":
    run_cli(main)
