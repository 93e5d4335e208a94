"""What a method that completes masked images makes of a few fixed ones, at several moments of its training."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from liftedcl.files.array_file import read_arrays
from liftedcl.files.atomic import atomic_path
from liftedcl.files.evenly_spread import evenly_spread
from liftedcl.identity.errors import InputError
from liftedcl.images.pairs import KINDS, open_pairs
from liftedcl.images.shard import Shard
from liftedcl.images.shard_union import ShardUnion
from liftedcl.losses.patch_error import images_of, patches_of
from liftedcl.recipes.encoder_recipe import EncoderRecipe
from liftedcl.views.masks import fixed_masks
from liftedcl.views.rgb import MEAN, STD
from liftedcl.views.view_draw import view_size
from liftedcl.views.whole_crops import whole_views

_IMAGES = 3  # of each kind of pairs, or in all
_MOMENTS = 8  # every checkpoint holds them


@dataclass(frozen=True)
class Completions:
    """P images of H x W px, completed at T moments of a training.

    ``images`` (P, H, W, 3) uint8 RGB are whole, ``hidden`` (P, rows, columns) bool says which patches are hidden.
    ``seconds`` (S, H, W, 3) uint8 are the second images of S = P pairs and ``kinds`` (S,) int64 places in `KINDS`; both
    are empty where there are no pairs. ``epochs`` (T,) int64, rising, counts the epochs trained; 0 is before the first
    step. ``completed`` (T, P, H, W, 3) uint8 has the true pixels of patches that aren't hidden.
    """

    images: np.ndarray
    hidden: np.ndarray
    seconds: np.ndarray
    kinds: np.ndarray
    epochs: np.ndarray
    completed: np.ndarray


class CompletionRecord(nn.Module):
    """Completes a few whole images of a shard, always with the same hidden patches, drawn evenly.

    The completed images are a buffer, which a resumed run restores.
    """

    completed: Tensor

    def __init__(self, recipe: EncoderRecipe, shard: Shard | ShardUnion, grid: tuple[int, int]):
        super().__init__()
        self._normalised, self._grid = recipe.masking.normalise, grid
        self._epochs = evenly_spread(recipe.training.epochs + 1, _MOMENTS)
        rows, seconds, self._kinds = _chosen(recipe, shard)
        self._size = view_size(recipe.views)
        self._crops = [shard.gather(chosen) for chosen in (rows, seconds)]
        self._hidden, self._visible = fixed_masks(len(rows), grid[0] * grid[1], recipe.masking.ratio)
        shape = (len(self._epochs), len(rows), self._size[0] * self._size[1] * 3)
        self.register_buffer("completed", torch.zeros(shape, dtype=torch.uint8))

    @torch.no_grad()
    def look(self, epoch: int, method: Any) -> None:
        """Complete the images after ``epoch`` epochs, if it is a moment to keep. Leaves ``method`` in evaluation mode.

        A patch that is predicted without its mean and deviation is drawn with the true ones.
        """
        moments = np.flatnonzero(self._epochs == epoch)
        if not len(moments):
            return
        method.eval()
        device = self.completed.device
        first, second = (whole_views(crops, self._size, device) if len(crops) else None for crops in self._crops)
        patches, hidden = patches_of(first, self._grid), self._hidden.to(device)
        predicted = method.complete(first, self._visible.to(device), second).float()
        if self._normalised:
            mean, deviation = patches.mean(dim=2, keepdim=True), patches.std(dim=2, keepdim=True)
            predicted = predicted * deviation + mean
        places = hidden[:, :, None].expand(-1, -1, patches.shape[2])
        sides = [length // cells for length, cells in zip(self._size, self._grid, strict=True)]
        whole = images_of(patches.scatter(1, places, predicted.gather(1, places)), self._grid, (sides[0], sides[1]))
        self.completed[moments[0]] = _pixels(whole).flatten(1)

    def history(self) -> Completions:
        """The images of a run that has ended."""
        images, seconds = (
            _pixels(whole_views(crops, self._size, torch.device("cpu"))).numpy() for crops in self._crops
        )
        hidden = torch.zeros(len(self._hidden), self._grid[0] * self._grid[1], dtype=torch.bool)
        hidden = hidden.scatter(1, self._hidden, True).unflatten(1, self._grid).numpy()
        completed = self.completed.cpu().numpy().reshape(len(self._epochs), *images.shape)
        return Completions(images, hidden, seconds, self._kinds, self._epochs, completed)


def _chosen(recipe: EncoderRecipe, shard: Shard | ShardUnion) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows of the images, rows of the second ones and kinds of the pairs; the last two are empty without pairs."""
    nothing = np.zeros(0, np.int64)
    if recipe.pairs is None:
        return evenly_spread(len(shard), _IMAGES), nothing, nothing
    pairs = open_pairs(shard)
    places = [np.flatnonzero(pairs.kinds == KINDS.index(kind)) for kind in recipe.pairs.kinds]
    shown = np.concatenate([of[evenly_spread(len(of), _IMAGES)] for of in places])
    return pairs.first[shown], pairs.second[shown], pairs.kinds[shown]


def _pixels(views: Tensor) -> Tensor:
    """Normalised views (B, 3, H, W) as (B, H, W, 3) uint8 RGB."""
    mean, deviation = (torch.tensor(values, device=views.device)[:, None, None] for values in (MEAN, STD))
    return ((views * deviation + mean).clamp(0, 1) * 255).round().to(torch.uint8).permute(0, 2, 3, 1).contiguous()


def write_completions(path: Path, completions: Completions) -> None:
    """Write ``completed.npz``, atomically; equal completions give equal bytes."""
    with atomic_path(path) as part, part.open("wb") as file:
        np.savez_compressed(file, **vars(completions))


def read_completions(path: Path) -> Completions:
    """Read what `write_completions` wrote.

    Raises:
        InputError: the file is missing or damaged, or its arrays don't belong together.
    """
    remedy = "make it again with python -m liftedcl.pretrain and a recipe with a section masking"
    found = Completions(**read_arrays(path, tuple(field.name for field in fields(Completions)), remedy))
    count, pairs, moments = len(found.images), len(found.seconds), len(found.epochs)
    size = found.images.shape[1:]
    whole = (
        all(array.dtype == np.uint8 for array in (found.images, found.seconds, found.completed))
        and all(array.dtype.kind == "i" for array in (found.kinds, found.epochs))
        and len(size) == 3 and count > 0 and pairs in (0, count) and moments > 0
        and found.seconds.shape == (pairs, *size) and found.completed.shape == (moments, count, *size)
        and found.hidden.dtype == bool and found.hidden.ndim == 3 and len(found.hidden) == count
        and all(cells > 0 and length % cells == 0 for length, cells in zip(size, found.hidden.shape[1:], strict=False))
        and found.kinds.shape == (pairs,) and np.isin(found.kinds, range(len(KINDS))).all()
        and found.epochs.ndim == 1 and found.epochs[0] >= 0 and (np.diff(found.epochs) > 0).all()
    )  # fmt: skip
    if not whole:
        shapes = ", ".join(f"{name} {array.shape} {array.dtype}" for name, array in vars(found).items())
        raise InputError(f"{path}: {shapes} are not completed images of one training; {remedy}")
    return found
