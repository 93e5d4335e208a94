"""Two pictures through a backbone that has just got its weights: what only a forward pass shows."""

from pathlib import Path

import torch
from torch import nn

from liftedcl.identity.errors import InputError

_CONSTANT = 1e-6  # of the largest feature: rounding


@torch.no_grad()
def try_out(backbone: nn.Module, file: Path) -> str:
    """The range of the features of two random pictures of 4 x 3 cells, in words.

    Raises:
        InputError: they aren't finite, or the same in both pictures.
    """
    generator = torch.Generator().manual_seed(0)
    pictures = torch.randn(2, 3, 4 * backbone.stride, 3 * backbone.stride, generator=generator)
    training = backbone.training
    features = backbone.eval()(pictures)
    backbone.train(training)
    if not torch.isfinite(features).all():
        raise InputError(f"{file}: its features of a picture are NaN or infinite; it is damaged or diverged")
    if (features[0] - features[1]).abs().max() <= _CONSTANT * features.abs().max():
        raise InputError(
            f"{file}: its features don't depend on the picture: two pictures give the same; it is damaged or collapsed"
        )
    return f"two pictures give features from {features.min():.3g} to {features.max():.3g}"


def in_words(backbone: nn.Module, epsilon: float | None) -> str:
    """Patches, tokens and the epsilon of the layer norms; ``epsilon`` is what the file's own code has, if known."""
    words = []
    patches = getattr(backbone, "patch_embed", None)
    if getattr(patches, "grid_size", None) and isinstance(getattr(patches, "proj", None), nn.Conv2d):
        (rows, columns), (height, width) = patches.grid_size, patches.img_size
        padding = f", padded by {patches.proj.padding[0]}" if any(patches.proj.padding) else ""
        others = getattr(backbone, "num_prefix_tokens", 0)
        words.append(f"patches of {patches.patch_size[0]} px{padding}")
        words.append(f"{rows} x {columns} of them and {others} other tokens in a picture of {height} x {width} px")
    norm = next((module for module in backbone.modules() if isinstance(module, nn.LayerNorm)), None)
    if norm is not None:
        other = f" (its own code has {epsilon:g})" if epsilon not in (None, norm.eps) else ""
        words.append(f"layer norms with epsilon {norm.eps:g}{other}")
    return "; ".join(words)
