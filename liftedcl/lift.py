"""Lift whole crops to 3D skeletons with the networks of a trained LiftedCL."""

from pathlib import Path

import numpy as np
import torch

from liftedcl.engine.device import prepare_device
from liftedcl.identity.errors import InputError
from liftedcl.methods import lifts
from liftedcl.networks.encoder import load_encoder, load_state, load_strictly
from liftedcl.networks.lifting import LiftingNetwork
from liftedcl.recipes.encoder_recipe import EncoderRecipe
from liftedcl.views.view_draw import view_size
from liftedcl.views.whole_crops import whole_views

_BATCH = 32


@torch.no_grad()
def lift(recipe: EncoderRecipe, *, encoder: Path, heads: Path, images: np.ndarray) -> np.ndarray:
    """Skeletons (N, 17, 3), root 0 and Frobenius norm 1, of whole crops (N, H, W, 3) uint8 RGB.

    Raises:
        InputError: a file is missing, damaged or of another recipe, or a skeleton isn't finite.
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
    lifted = [network(backbone(whole_views(part, view_size(recipe.views), device))).cpu().numpy() for part in parts]
    skeletons = np.concatenate(lifted)
    if broken := int((~np.isfinite(skeletons).all(axis=(1, 2))).sum()):
        raise InputError(f"{heads}: {broken} of {len(images)} lifted skeletons are not finite; pre-train its row again")
    return skeletons
