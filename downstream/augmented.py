"""A contact sheet of a benchmark's training samples as the network gets them, their targets drawn in place."""

import argparse
import importlib
from pathlib import Path

from downstream import BENCHMARKS
from downstream.recipes import RECIPES
from liftedcl.files.contact_sheet import write_contact_sheet
from liftedcl.identity.errors import run_cli
from liftedcl.identity.recipe import read_recipe

_COLUMNS, _ROWS = 6, 3


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m downstream.augmented",
        description="Draw the targets of augmented training samples on their pictures: what is off is learnt wrongly.",
        epilog='example: python -m downstream.augmented --benchmark coco --recipe "$(python -m workflow.params '
        'benchmarks.coco)" --data data/demo/coco --out augmented.png',
    )
    add = parser.add_argument
    add("--benchmark", required=True, choices=BENCHMARKS, help="which benchmark")
    add("--recipe", required=True, help="its recipe: JSON text or file; see python -m workflow.params")
    add("--data", type=Path, required=True, help="folder of the benchmark's data set (docs/data.md)")
    add("--seed", type=int, default=0, help="decides samples and augmentation (default: %(default)s)")
    add("--out", type=Path, required=True, help="PNG to write")
    arguments = parser.parse_args()
    module = importlib.import_module(BENCHMARKS[arguments.benchmark].task)
    recipe = read_recipe(RECIPES[arguments.benchmark], arguments.recipe)
    samples = module.augmented_samples(recipe, data=arguments.data, seed=arguments.seed, count=_COLUMNS * _ROWS)
    write_contact_sheet(samples, arguments.out, columns=_COLUMNS, rows=_ROWS)


if __name__ == "__main__":
    run_cli(main)
