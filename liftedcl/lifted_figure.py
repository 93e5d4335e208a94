"""Draw the lifting network's 3D skeletons beside its input crops (paper, figures 5 and 8)."""

import argparse
from pathlib import Path

from liftedcl.files.evenly_spread import evenly_spread
from liftedcl.identity.errors import InputError, run_cli
from liftedcl.identity.recipe import read_recipe
from liftedcl.images.shard import open_shard
from liftedcl.lift import lift
from liftedcl.recipes.encoder_recipe import EncoderRecipe
from liftedcl.skeletons.drawing import figure_of_lifted
from liftedcl.skeletons.lifting_scores import read_lifting_scores

NOT_MEASURED = "How near these skeletons come to the people's true poses was not measured."


def main(words: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m liftedcl.lifted_figure",
        description="Lift crops to 3D skeletons with a pre-trained LiftedCL and draw them beside their inputs.",
        epilog='example: python -m liftedcl.lifted_figure --recipe "$(python -m workflow.params '
        'encoders.liftedcl_in_cc)" --encoder RUN/encoder.pt --heads RUN/heads.pt --images runs/demo/crops.npy '
        "--count 36 --out figure8.png",
    )
    add = parser.add_argument
    add("--recipe", required=True, help="the encoder's row: JSON text or file; see python -m workflow.params")
    add("--encoder", type=Path, required=True, help="encoder.pt of the run")
    add("--heads", type=Path, required=True, help="heads.pt of the run")
    add("--images", type=Path, required=True, help="packed person crops (.npy)")
    add("--count", type=int, default=12, help="crops to draw, spread over the shard (default: %(default)s)")
    add("--scores", type=Path, help="lifting.json of python -m downstream.lifting, for a line below the figure")
    add("--out", type=Path, required=True, help="the figure (PNG)")
    arguments = parser.parse_args(words)
    if arguments.count < 1:
        raise InputError(f"--count {arguments.count}: needs at least 1")
    line = read_lifting_scores(arguments.scores).in_one_line() if arguments.scores else NOT_MEASURED
    shard = open_shard(arguments.images)
    rows = evenly_spread(len(shard), arguments.count)
    crops = shard.gather(rows)
    recipe = read_recipe(EncoderRecipe, arguments.recipe)
    skeletons = lift(recipe, encoder=arguments.encoder, heads=arguments.heads, images=crops)
    figure_of_lifted(crops, skeletons, arguments.out, columns=4 if len(rows) <= 12 else 6, line=line)


if __name__ == "__main__":
    run_cli(main)
