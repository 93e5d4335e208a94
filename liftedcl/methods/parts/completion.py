"""Completion of masked pictures: the common part of MAE and CroCo."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from liftedcl.engine import distributed
from liftedcl.engine.loop import Player
from liftedcl.engine.optimisers import encoder_player
from liftedcl.files.evenly_spread import evenly_spread
from liftedcl.identity.errors import InputError
from liftedcl.images.shard import Shard
from liftedcl.images.shard_union import ShardUnion
from liftedcl.losses.patch_error import hidden_errors, mean_errors, normalised, patches_of
from liftedcl.monitor.completion_record import CompletionRecord, write_completions
from liftedcl.networks.completion_decoder import CompletionDecoder
from liftedcl.networks.encoder import Backbone
from liftedcl.networks.visible_patches import begin_as_published, encode_visible, require_plain_vit
from liftedcl.recipes.encoder_recipe import EncoderRecipe
from liftedcl.views.masks import draw_masks, fixed_masks, hidden_count, patches_on_person
from liftedcl.views.random_view import RandomView
from liftedcl.views.view_draw import view_size
from liftedcl.views.whole_crops import whole_views

_PERSON = ("box_x", "box_y", "box_width", "box_height")
_CROP = ("crop_x", "crop_y", "crop_width", "crop_height")
_WATCHED = 128


class Completion(nn.Module):
    """An encoder that sees some patches of a view, and a decoder that completes the others.

    Attributes:
        grid: rows and columns of patches in a view.
        record: of each method, which completes a few images as the training goes on.
    """

    people: Tensor
    record: CompletionRecord

    def __init__(self, recipe: EncoderRecipe, backbone: Backbone, shard: Shard | ShardUnion, *, cross: bool):
        super().__init__()
        self._masking, self._shard = recipe.masking, shard
        vit = require_plain_vit(backbone, recipe.backbone, recipe.method)
        self.view_size = view_size(recipe.views)
        self.grid = _grid(self.view_size, vit.stride, recipe)
        if recipe.start is None:
            begin_as_published(vit)
        self.backbone = vit
        pixels = 3 * vit.stride**2
        decoder = CompletionDecoder(vit.embed_dim, recipe.masking, grid=self.grid, pixels=pixels, cross=cross)
        self.heads = nn.ModuleDict({"decoder": decoder})
        people = torch.from_numpy(_people(shard)) if recipe.masking.person else torch.zeros(0, 4)
        self.register_buffer("people", people, persistent=False)

    def players(self, recipe: EncoderRecipe, steps: int) -> dict[str, Player]:
        return encoder_player(self, recipe, steps)

    def masks(self, view: RandomView) -> tuple[Tensor, Tensor]:
        """This process's hidden and visible patches of a view, (B/W, M) and (B/W, N - M); drawn for the whole batch."""
        geometry = view.draw.geometry
        if self._masking.person:
            on_person = patches_on_person(geometry, self.people[view.rows], self.grid)
        else:
            count = self.grid[0] * self.grid[1]
            on_person = torch.zeros(len(view.rows), count, dtype=torch.bool, device=geometry.boxes.device)
        hidden, visible = draw_masks(on_person, self._masking.ratio, self._masking.person)
        return distributed.mine(hidden), distributed.mine(visible)

    def complete(self, views: Tensor, visible: Tensor, second: Tensor | None = None) -> Tensor:
        """Predicted values (B, N, pixels) of all patches of ``views`` (B, 3, H, W), of which ``visible`` are seen.

        With ``second`` (B, 3, H, W), which is seen whole, in a method that has pairs. The class token, which CroCo's
        encoder doesn't have, then stays out of the decoder.
        """
        tokens = encode_visible(self.backbone, views, visible)
        if second is None:
            return self.heads["decoder"](tokens, visible)
        prefix = self.backbone.num_prefix_tokens
        whole = self.backbone.forward_features(second)[:, prefix:]
        return self.heads["decoder"](tokens[:, prefix:], visible, whole)

    def observe(self, epoch: int) -> dict[str, float]:
        """The method's `errors` after ``epoch`` epochs; a few completed images are kept for a picture."""
        self.record.look(epoch, self)
        return self.errors()

    def write_observed(self, out: Path) -> None:
        """``completed.npz``, of a training that has ended."""
        write_completions(out / "completed.npz", self.record.history())

    def targets(self, views: Tensor) -> Tensor:
        """What is predicted of each patch, (B, N, pixels)."""
        patches = patches_of(views, self.grid)
        return normalised(patches) if self._masking.normalise else patches

    @torch.no_grad()
    def relative_error(self, rows: np.ndarray, seconds: np.ndarray | None = None) -> float:
        """The error of completing whole images of the shard, over that of predicting each hidden patch's own mean.

        ``rows`` (B,) are completed, with the help of ``seconds`` (B,) in a method that has pairs. The patches that are
        hidden are drawn evenly, the same in every call. Leaves the networks in evaluation mode.
        """
        self.eval()
        first, second = (
            None if chosen is None else whole_views(self._shard.gather(chosen), self.view_size, self.people.device)
            for chosen in (rows, seconds)
        )
        masks = fixed_masks(len(rows), self.grid[0] * self.grid[1], self._masking.ratio)
        hidden, visible = (places.to(first.device) for places in masks)
        targets = self.targets(first)
        errors = hidden_errors(self.complete(first, visible, second), targets, hidden)
        return (errors.sum() / mean_errors(targets, hidden).sum()).item()


def watched(rows: np.ndarray) -> np.ndarray:
    """Some of ``rows``, spread evenly over them, on which `Completion.relative_error` is taken."""
    return rows[evenly_spread(len(rows), _WATCHED)]


def _grid(size: tuple[int, int], side: int, recipe: EncoderRecipe) -> tuple[int, int]:
    if any(length % side for length in size):
        raise InputError(f"views.size: {size[0]}x{size[1]} is not whole patches of {recipe.backbone}, {side}x{side} px")
    rows, columns = (length // side for length in size)
    if hidden_count(recipe.masking.ratio, rows * columns) == 0:
        raise InputError(f"masking.ratio: {recipe.masking.ratio:g} hides none of {rows * columns} patches; raise it")
    return rows, columns


def _people(shard: Shard | ShardUnion) -> np.ndarray:
    """Each person's annotated box in pixels of its image in the shard, (N, 4) float32: x, y, width, height."""
    index: Any = shard.index
    if missing := [column for column in (*_PERSON, *_CROP) if column not in index]:
        raise InputError(
            f"{shard.path}: its index has no {missing[0]}, so no person's box is known; set masking.person: 0, or "
            "train on person crops"
        )
    person, crop = (index[[*columns]].to_numpy(np.float64) for columns in (_PERSON, _CROP))
    height, width = shard.image_size
    scale = np.array([width, height]) / crop[:, 2:]
    return np.hstack([(person[:, :2] - crop[:, :2]) * scale, person[:, 2:] * scale]).astype(np.float32)
