"""Score the stored predictions of a fine-tuning: predictions and annotations -> metrics.json. No torch, no GPU."""

import argparse
import dataclasses
import time
from pathlib import Path

from downstream.command_line import add_benchmark_arguments
from downstream.registry import BENCHMARKS, score_modules
from liftedcl.files.atomic import sha256_of_file, write_json
from liftedcl.identity.code_digest import code_digest
from liftedcl.identity.errors import run_cli
from liftedcl.identity.provenance import describe
from liftedcl.identity.recipe import read_recipe


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m downstream.score",
        description="Score the predictions that python -m downstream.finetune wrote; the evaluate command of each data "
        "set (such as python -m downstream.coco evaluate) scores a single file, whatever made it.",
        epilog='example: python -m downstream.score --benchmark h36m_3d --recipe "$(python -m workflow.params '
        'benchmarks.h36m_3d)" --data data/demo/h36m --run runs/by_hand/h36m_3d --out runs/by_hand/h36m_3d/metrics.json',
    )
    add_benchmark_arguments(parser, "metrics.json to write")
    parser.add_argument("--run", type=Path, required=True, help="folder of the run, which holds its predictions")
    arguments = parser.parse_args()
    entry, started = BENCHMARKS[arguments.benchmark], time.time()
    recipe = read_recipe(entry.recipe, arguments.recipe)
    scores = entry.load("scores").score_run(recipe, arguments.data, arguments.run)
    predictions = {name: arguments.run / name for name in entry.predictions if (arguments.run / name).is_file()}
    inputs = {name: sha256_of_file(path) for name, path in predictions.items()}
    inputs |= entry.fingerprints(None, arguments.data)
    code = code_digest(*score_modules(entry.name))
    about = {"recipe": dataclasses.asdict(recipe), "seed": None, "inputs": inputs, "code": code}
    write_json(arguments.out, scores)
    about = describe(**about, started=started, device="cpu") | {"metrics_sha256": sha256_of_file(arguments.out)}
    write_json(arguments.out.with_suffix(".provenance.json"), about)
    print("  ".join(f"{key} {value:.2f}" for key, value in scores.items() if isinstance(value, float)), flush=True)


if __name__ == "__main__":
    run_cli(main)
