"""Between what an encoder's scores on a benchmark lie: those of the trivial predictor and of the bound.

The trivial predictor doesn't look at the image, and a fine-tuned encoder must beat it. It is fitted on the whole
training set, also where a recipe's ``fraction`` gives the encoders less. The bound is what the benchmark's encoding and
decoding leave of the true labels: a limit of the resolution, which says nothing about what any method can learn.
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
        "frequent class), fitted on the benchmark's training split; and the test split's true labels, encoded and "
        "decoded as a network's output is.",
        epilog='example: python -m downstream.reference --benchmark h36m_3d --recipe "$(python -m workflow.params '
        'benchmarks.h36m_3d)" --data data/demo/h36m --out reference.json',
    )
    add_benchmark_arguments(parser, "JSON to write, with `trivial` and `bound`")
    arguments = parser.parse_args()
    entry = BENCHMARKS[arguments.benchmark]
    recipe = read_recipe(entry.recipe, arguments.recipe)
    reference = entry.load("reference")
    scores = {
        "trivial": reference.reference_scores(recipe, arguments.data),
        "bound": reference.bound_scores(recipe, arguments.data),
    }
    write_json(arguments.out, scores)
    for name, of in scores.items():
        print(
            f"{name}: ",
            "  ".join(f"{key} {value:.2f}" for key, value in of.items() if isinstance(value, float)),
            flush=True,
        )


if __name__ == "__main__":
    run_cli(main)
