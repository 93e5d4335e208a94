"""The provenance of several tables in one file: each cell's runs, and each run once. No torch, nothing but json."""

import argparse
from pathlib import Path
from typing import Any

from liftedcl.files.atomic import write_json
from liftedcl.identity.errors import run_cli
from workflow.tables.recorded_runs import read_provenance

_ENDING = ".provenance.json"


def all_provenance(paths: list[Path]) -> dict[str, Any]:
    """``tables``: table -> what it is, and for each row and column its runs; ``runs``: folder -> what it recorded.

    A fine-tuning names the encoder it began from, and an encoder the one before it: a chain back to the data.

    Raises:
        InputError: a file that is missing or damaged.
    """
    tables: dict[str, Any] = {}
    runs: dict[str, Any] = {}
    for path in paths:
        provenance = read_provenance(path)
        for benchmarks in provenance["rows"].values():
            for chains in benchmarks.values():
                for chain in chains:
                    runs.update(_stages(chain))
        cells = {
            row: {
                column: [chain["run"] for chain in benchmarks[of["benchmark"]]]
                for column, of in provenance["columns"].items()
            }
            for row, benchmarks in provenance["rows"].items()
        }
        tables[path.name.removesuffix(_ENDING)] = {**provenance, "rows": cells}
    return {"tables": tables, "runs": dict(sorted(runs.items()))}


def _stages(chain: dict[str, Any]) -> dict[str, Any]:
    """The fine-tuning of a chain and its encoders, each by its folder; ``from`` is the folder of what it began from."""
    stages = [(chain["run"], chain["finetuning"])]
    stages += [(encoder["run"], encoder["provenance"]) for encoder in chain["encoders"]]
    before = [run for run, _ in stages[1:]] + [None]
    return {run: {"from": start, "provenance": record} for (run, record), start in zip(stages, before, strict=True)}


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
