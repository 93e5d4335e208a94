"""Command line: write generated data in the layout of a real data set."""

import argparse
import os
from pathlib import Path
from typing import get_type_hints

from liftedcl.identity.errors import run_cli
from liftedcl.identity.recipe import read_recipe
from synthetic import coco, h36m, imagenet, lip, mpii, ntu, pw3d
from synthetic.generation import generate
from synthetic.recipes import Generated

_RECIPES = get_type_hints(Generated)
_MODULES = {
    module.__name__.removeprefix("synthetic."): module for module in (coco, h36m, imagenet, lip, mpii, ntu, pw3d)
}
_DESCRIPTION = """Generate people with full ground truth, or images without people, in a real data set's layout.

docs/data/KIND.md says what the folder holds.

The same recipe gives the same bytes with any number of workers. The command can be stopped at any moment; the same
command goes on where it stopped. The annotations (imagenet: classes.json) are written last: once they are there, the
data set is complete. Another recipe replaces data generated before; a folder with other files is refused."""
_EXAMPLE = """example:
  python -m synthetic coco --out data/demo/coco \\
    --recipe '{"seed": 0, "facing": 180, "train_scenes": 400, "val_scenes": 40, "width": 640, "height": 480}'"""


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m synthetic",
        description=_DESCRIPTION,
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("kind", choices=_RECIPES, help="which data set's layout")
    parser.add_argument("--recipe", required=True, metavar="JSON", help="the recipe: JSON text or a JSON file")
    parser.add_argument("--out", required=True, type=Path, metavar="ROOT", help="the folder to write")
    parser.add_argument(
        "--workers", type=int, default=os.cpu_count(), metavar="N", help="processes (default: %(default)s)"
    )
    arguments = parser.parse_args()
    recipe = read_recipe(_RECIPES[arguments.kind], arguments.recipe)
    generate(_MODULES[arguments.kind].plan(recipe), arguments.out, arguments.workers)


if __name__ == "__main__":
    run_cli(main)
