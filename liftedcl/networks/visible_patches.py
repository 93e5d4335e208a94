"""A plain ViT that sees some of a picture's patches (MAE, He et al. 2022, section 3), and how it begins there."""

import torch
from timm.layers import PatchEmbed
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor, nn

from liftedcl.identity.errors import InputError
from liftedcl.networks.encoder import Backbone
from liftedcl.networks.sine_positions import sine_positions


def require_plain_vit(backbone: Backbone, name: str, method: str) -> VisionTransformer:
    """``backbone``, which `build_backbone` made of ``name``.

    Raises:
        InputError: it is no plain ViT of timm, and so can't leave out patches.
    """
    # A hybrid's convolutions in front of the patches would look into those that are hidden.
    if isinstance(backbone, VisionTransformer) and type(backbone.patch_embed) is PatchEmbed:
        return backbone
    raise InputError(f"backbone: {name}: {method} hides patches from the encoder, which takes a plain ViT like vit_s16")


def encode_visible(vit: VisionTransformer, images: Tensor, visible: Tensor) -> Tensor:
    """The tokens of some patches alone, as if there were no others.

    Args:
        images: (B, 3, H, W), whose sides are multiples of the patch's.
        visible: (B, V) int64, places of patches in their grid, row by row.

    Returns:
        (B, P + V, C): class and register tokens, of which there are P, and those of the patches, in their order.
    """
    tokens = vit._pos_embed(vit.patch_embed(images))
    prefix, patches = tokens.split([vit.num_prefix_tokens, tokens.shape[1] - vit.num_prefix_tokens], dim=1)
    seen = patches.gather(1, visible[:, :, None].expand(-1, -1, patches.shape[2]))
    return vit.norm(vit.blocks(vit.norm_pre(torch.cat([prefix, seen], dim=1))))


@torch.no_grad()
def begin_as_published(vit: VisionTransformer) -> None:
    """Weights as in MAE (appendix A.1): Glorot's uniform ones, biases 0, position embeddings of sines and cosines.

    Departure: these are trained, as timm's are; MAE and CroCo keep them as they are.
    """
    begin_with_glorot(vit)
    nn.init.xavier_uniform_(vit.patch_embed.proj.weight.view(vit.embed_dim, -1))
    if vit.cls_token is not None:
        nn.init.normal_(vit.cls_token, std=0.02)
    if vit.pos_embed is not None:
        grid = sine_positions(*vit.patch_embed.grid_size, vit.embed_dim)
        others = vit.pos_embed.shape[1] - len(grid)  # of class and register tokens, if those have any
        vit.pos_embed.copy_(torch.cat([torch.zeros(others, vit.embed_dim), grid])[None])


def begin_with_glorot(module: nn.Module) -> None:
    """Glorot's uniform weights and biases of 0 for all linear layers of ``module``."""
    for layer in module.modules():
        if isinstance(layer, nn.Linear):
            nn.init.xavier_uniform_(layer.weight)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
