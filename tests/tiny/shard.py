"""A packed shard of noise with all that any method reads of one; a CroCo made for it."""

from pathlib import Path

import torch

from liftedcl.checks.noise import write_noise as write_tiny_shard
from liftedcl.methods import method_class
from liftedcl.networks.encoder import build_backbone, save_encoder, save_state
from liftedcl.recipes.encoder_recipe import EncoderRecipe

__all__ = ["write_tiny_shard", "write_untrained_croco"]


def write_untrained_croco(folder: Path, recipe: EncoderRecipe) -> None:
    """Write ``encoder.pt`` and ``heads.pt`` of an untrained CroCo, and the shard that it was made for."""
    torch.manual_seed(0)
    method = method_class("croco")(
        recipe, build_backbone(recipe.backbone), write_tiny_shard(folder / "crops.npy", 4), None
    )
    save_encoder(method.backbone, folder / "encoder.pt")
    save_state(method.heads.state_dict(), folder / "heads.pt")
