"""Draw the stored predictions of a fine-tuning on some test images: predictions and images -> examples.png."""

import argparse
from pathlib import Path

from downstream.command_line import add_benchmark_arguments
from downstream.registry import BENCHMARKS
from liftedcl.files.contact_sheet import write_contact_sheet
from liftedcl.identity.errors import run_cli
from liftedcl.identity.recipe import read_recipe


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m downstream.draw",
        description="Draw the predictions that python -m downstream.finetune wrote on twelve test pictures.",
        epilog='example: python -m downstream.draw --benchmark coco --recipe "$(python -m workflow.params '
        'benchmarks.coco)" --data data/demo/coco --run runs/demo/coco/random/seed0 --out examples.png',
    )
    add_benchmark_arguments(parser, "PNG to write")
    parser.add_argument("--run", type=Path, required=True, help="folder of the run, which holds its predictions")
    arguments = parser.parse_args()
    entry = BENCHMARKS[arguments.benchmark]
    recipe = read_recipe(entry.recipe, arguments.recipe)
    pictures = entry.load("drawings").examples(recipe, arguments.data, arguments.run)
    write_contact_sheet(pictures, arguments.out, columns=4, rows=3)


if __name__ == "__main__":
    run_cli(main)
