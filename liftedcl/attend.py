"""Where a trained CroCo looks in a second image for the hidden patches of a first one."""

import dataclasses
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from liftedcl.engine.device import prepare_device
from liftedcl.identity.errors import InputError
from liftedcl.methods.parts.completion import Completion
from liftedcl.networks.completion_decoder import CrossAttention
from liftedcl.networks.encoder import build_backbone, load_encoder, load_state, load_strictly
from liftedcl.recipes.encoder_recipe import EncoderRecipe
from liftedcl.views.masks import hidden_count
from liftedcl.views.whole_crops import whole_views

_BATCH = 32


class Attention:
    """A trained network of a row with pairs, on whole crops.

    Attributes:
        grid: rows and columns of patches.
    """

    def __init__(self, recipe: EncoderRecipe, encoder: Path, heads: Path):
        """Raises `InputError` if a file is missing, damaged or of another recipe, or the recipe has no pairs."""
        if recipe.pairs is None:
            raise InputError(f"--recipe: {recipe.method} has no second image to look at; give a row of croco")
        self._device = prepare_device(1)
        even = dataclasses.replace(recipe, masking=dataclasses.replace(recipe.masking, person=0.0))
        self._network = Completion(even, build_backbone(recipe.backbone), None, cross=True)
        load_strictly(
            self._network.heads, load_state(heads), heads, "the heads of this recipe", "name heads.pt of a run of it"
        )
        self._network.backbone = load_encoder(encoder, recipe.backbone)
        self._network.to(self._device).eval()
        self.grid, self._ratio = self._network.grid, recipe.masking.ratio

    def hidden(self, patches: np.ndarray, seed: int) -> np.ndarray:
        """Masks (B, N) bool with as many hidden patches as in training: ``patches`` (B,) and others, drawn evenly."""
        count = self.grid[0] * self.grid[1]
        scores = np.random.default_rng(seed).random((len(patches), count))
        scores[np.arange(len(patches)), patches] = 2.0
        masks = np.zeros(scores.shape, bool)
        np.put_along_axis(masks, scores.argsort(axis=1)[:, count - hidden_count(self._ratio, count) :], True, axis=1)
        return masks

    @torch.no_grad()
    def __call__(self, first: np.ndarray, second: np.ndarray, hidden: np.ndarray, patches: np.ndarray) -> np.ndarray:
        """Attention (B, N) of one patch of each first crop to the patches of the second one; it sums to 1.

        Args:
            first, second: crops (B, H, W, 3) uint8 RGB.
            hidden: (B, N) bool, equally many in each.
            patches: (B,), the patch whose attention is wanted.

        Returns:
            The mean over the decoder's blocks and heads.
        """
        parts = [slice(start, start + _BATCH) for start in range(0, len(first), _BATCH)]
        return np.concatenate([self._attend(first[of], second[of], hidden[of], patches[of]) for of in parts])

    def _attend(self, first: np.ndarray, second: np.ndarray, hidden: np.ndarray, patches: np.ndarray) -> np.ndarray:
        views, others = (whole_views(crops, self._network.view_size, self._device) for crops in (first, second))
        visible = np.stack([np.flatnonzero(~mask) for mask in hidden])
        maps: list[Tensor] = []

        def keep(module: CrossAttention, tokens: tuple[Tensor, Tensor], _: Tensor) -> None:
            maps.append(module.weights(*tokens).mean(dim=1))

        hooks = [block.cross.register_forward_hook(keep) for block in self._network.heads["decoder"].blocks]
        self._network.complete(views, torch.from_numpy(visible).to(self._device), others)
        for hook in hooks:
            hook.remove()
        return torch.stack(maps).mean(dim=0)[torch.arange(len(first)), torch.from_numpy(patches)].cpu().numpy()
