"""Draw a contact sheet of a benchmark's training samples as the network gets them, with their targets."""

import argparse

from downstream.command_line import add_benchmark_arguments
from downstream.registry import BENCHMARKS
from liftedcl.files.contact_sheet import write_contact_sheet
from liftedcl.identity.errors import run_cli
from liftedcl.identity.recipe import read_recipe

_COLUMNS, _ROWS = 6, 3


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m downstream.augmented",
        description="Draw augmented training samples with their targets. A target in a wrong place is learnt wrongly.",
        epilog='example: python -m downstream.augmented --benchmark coco --recipe "$(python -m workflow.params '
        'benchmarks.coco)" --data data/demo/coco --out augmented.png',
    )
    add_benchmark_arguments(parser, "PNG to write")
    parser.add_argument("--seed", type=int, default=0, help="decides samples and augmentation (default: %(default)s)")
    arguments = parser.parse_args()
    entry = BENCHMARKS[arguments.benchmark]
    recipe = read_recipe(entry.recipe, arguments.recipe)
    samples = entry.load("drawings").augmented_samples(
        recipe, data=arguments.data, seed=arguments.seed, count=_COLUMNS * _ROWS
    )
    write_contact_sheet(samples, arguments.out, columns=_COLUMNS, rows=_ROWS)


if __name__ == "__main__":
    run_cli(main)
