"""Cut what training can see of each image, and pack it once for all fine-tunings: images -> a region shard."""

import argparse
import importlib.util

from downstream.command_line import add_benchmark_arguments
from downstream.reading.region_writer import pack
from downstream.registry import BENCHMARKS
from downstream.training.regions_recipe import RegionCut
from liftedcl.identity.errors import InputError, run_cli
from liftedcl.identity.recipe import read_recipe


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m downstream.cut_regions",
        description="Cut the region of each training sample that augmented crops can see, at the resolution that the "
        "largest zoom needs, and pack all of them: pixels.bin, index.csv and shard.json. Run the same command again "
        "after a kill: it continues where it stopped. python -m downstream.finetune --regions takes the folder.",
        epilog="example: python -m downstream.cut_regions --benchmark mpii --data data/mpii --out regions/mpii "
        '--recipe \'{"format": "jpeg", "size": [256, 256], "box_scale": 1.25, "scale_limits": [0.75, 1.25]}\'',
    )
    add_benchmark_arguments(parser, "folder to write")
    parser.add_argument("--workers", type=int, metavar="N", help="threads; every core by default; never changes a byte")
    arguments = parser.parse_args()
    entry, cut = BENCHMARKS[arguments.benchmark], read_recipe(RegionCut, arguments.recipe)
    if importlib.util.find_spec(entry.module("regions")) is None:
        raise InputError(f"--benchmark {entry.name}: has no regions; set regions: null in its recipe (params.yaml)")
    plan = entry.load("regions").training_plan(cut, arguments.data)
    pack(plan, arguments.out, name=f"regions {entry.name}", workers=arguments.workers)


if __name__ == "__main__":
    run_cli(main)
