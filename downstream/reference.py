"""Scores of a benchmark's trivial predictor, which doesn't look at the image. A fine-tuned encoder must beat it.

It is fitted on the whole training set, also where a recipe's ``fraction`` gives the encoders less.
"""

import argparse

from downstream.command_line import add_benchmark_arguments
from downstream.registry import BENCHMARKS
from liftedcl.files.atomic import write_json
from liftedcl.identity.errors import run_cli
from liftedcl.identity.recipe import read_recipe


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m downstream.reference",
        description="Score a prediction that is the same for every picture (a mean pose, a mean shape, the most "
        "frequent class), fitted on the benchmark's training split.",
        epilog='example: python -m downstream.reference --benchmark h36m_3d --recipe "$(python -m workflow.params '
        'benchmarks.h36m_3d)" --data data/demo/h36m --out metrics.json',
    )
    add_benchmark_arguments(parser, "metrics.json to write")
    arguments = parser.parse_args()
    entry = BENCHMARKS[arguments.benchmark]
    recipe = read_recipe(entry.recipe, arguments.recipe)
    scores = entry.load("reference").reference_scores(recipe, arguments.data)
    write_json(arguments.out, scores)
    print("  ".join(f"{key} {value:.2f}" for key, value in scores.items() if isinstance(value, float)), flush=True)


if __name__ == "__main__":
    run_cli(main)
