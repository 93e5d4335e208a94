"""Draw the lifting network's 3D skeletons beside its input crops (paper, figures 5 and 8)."""

import argparse
from pathlib import Path

import numpy as np
import torch

from liftedcl.engine.device import prepare_device
from liftedcl.files.evenly_spread import evenly_spread
from liftedcl.identity.errors import InputError, run_cli
from liftedcl.identity.recipe import read_recipe
from liftedcl.images.shard import open_shard
from liftedcl.methods import lifts
from liftedcl.networks.encoder import load_encoder, load_state, load_strictly
from liftedcl.networks.lifting import LiftingNetwork
from liftedcl.recipes.encoder_recipe import EncoderRecipe
from liftedcl.skeletons.drawing import figure_of_lifted
from liftedcl.views.whole_crops import whole_views

_BATCH = 32


@torch.no_grad()
def lift(recipe: EncoderRecipe, *, encoder: Path, heads: Path, images: np.ndarray) -> np.ndarray:
    """Skeletons (N, 17, 3), root 0 and Frobenius norm 1, of whole crops (N, H, W, 3) uint8 RGB.

    Raises:
        InputError: a file is missing, damaged or of another recipe.
    """
    if not lifts(recipe):
        raise InputError(f"--recipe: {recipe.method} without an adversarial loss has no lifting network")
    device = prepare_device(1)
    backbone = load_encoder(encoder, recipe.backbone).to(device).eval()
    network = LiftingNetwork(backbone.out_channels, hidden=recipe.lifting.hidden, blocks=recipe.lifting.blocks)
    prefix = "lifting."
    state = {key.removeprefix(prefix): value for key, value in load_state(heads).items() if key.startswith(prefix)}
    load_strictly(network, state, heads, "the heads of this recipe", "name heads.pt of a run of this recipe")
    network = network.to(device).eval()
    parts = [images[first : first + _BATCH] for first in range(0, len(images), _BATCH)]
    lifted = [network(backbone(whole_views(part, recipe.views.size, device))).cpu().numpy() for part in parts]
    return np.concatenate(lifted)


def main(words: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m liftedcl.lift",
        description="Lift crops to 3D skeletons with a pre-trained LiftedCL and draw them beside their inputs.",
        epilog='example: python -m liftedcl.lift --recipe "$(python -m workflow.params encoders.liftedcl_in_cc)" '
        "--encoder RUN/encoder.pt --heads RUN/heads.pt --images runs/demo/crops.npy --count 36 --out figure8.png",
    )
    add = parser.add_argument
    add("--recipe", required=True, help="the encoder's row: JSON text or file; see python -m workflow.params")
    add("--encoder", type=Path, required=True, help="encoder.pt of the run")
    add("--heads", type=Path, required=True, help="heads.pt of the run")
    add("--images", type=Path, required=True, help="packed person crops (.npy)")
    add("--count", type=int, default=12, help="crops to draw, spread over the shard (default: %(default)s)")
    add("--out", type=Path, required=True, help="the figure (PNG)")
    arguments = parser.parse_args(words)
    if arguments.count < 1:
        raise InputError(f"--count {arguments.count}: needs at least 1")
    shard = open_shard(arguments.images)
    rows = evenly_spread(len(shard), arguments.count)
    crops = shard.gather(rows)
    recipe = read_recipe(EncoderRecipe, arguments.recipe)
    skeletons = lift(recipe, encoder=arguments.encoder, heads=arguments.heads, images=crops)
    figure_of_lifted(crops, skeletons, arguments.out, columns=4 if len(rows) <= 12 else 6)


if __name__ == "__main__":
    run_cli(main)
