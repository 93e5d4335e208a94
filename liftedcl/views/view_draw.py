"""The random choices of a view: box, flip, colour jitter, grey and blur (paper, appendix C; MoCo-v2's augmentation).

They are drawn for a whole batch at once, from the global torch generator of one device. Distributions are those of
torchvision's transforms, except that the order of the four jitter operations is drawn once per batch, not per image.
"""

import dataclasses
import math
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from liftedcl.recipes.encoder_recipe import Views

_RATIO = (3.0 / 4.0, 4.0 / 3.0)
_TRIES = 10


@dataclass(frozen=True)
class Geometry:
    """Where views are in their images: ``boxes`` (B, 4), x, y, width, height in pixels, and ``flips`` (B,) bool."""

    boxes: Tensor
    flips: Tensor

    def select(self, indices: Tensor) -> Self:
        """The geometry of the views ``indices`` (n,) int64, in their order."""
        return type(self)(self.boxes[indices], self.flips[indices])


@dataclass(frozen=True)
class ViewDraw:
    """The choices for one view of each of B images. Tensors have shape (B,) and are on one device."""

    geometry: Geometry
    order: tuple[int, ...]
    """The order of brightness (0), contrast (1), saturation (2) and hue (3), the same for the whole batch."""
    jittered: Tensor
    """bool: whether the next four factors apply."""
    brightness: Tensor
    contrast: Tensor
    saturation: Tensor
    hue: Tensor
    """Turns of the hue circle, from -0.5 to 0.5."""
    greyed: Tensor
    blurred: Tensor
    sigma: Tensor
    """Deviation of the blur in pixels of the view; applies where ``blurred``."""

    def select(self, indices: Tensor) -> Self:
        """The draw of the views ``indices`` (n,) int64, in their order."""
        tensors = {name: value[indices] for name, value in vars(self).items() if isinstance(value, Tensor)}
        return dataclasses.replace(self, geometry=self.geometry.select(indices), **tensors)


def view_size(recipe: Views) -> tuple[int, int]:
    """Height and width of a view in pixels."""
    return recipe.size if isinstance(recipe.size, tuple) else (recipe.size, recipe.size)


def draw_views(
    count: int,
    height: int,
    width: int,
    recipe: Views,
    device: torch.device | str,
    stretches: Tensor | None = None,
) -> ViewDraw:
    """Draw one view of each of ``count`` images of ``height`` x ``width``, without waiting for ``device``.

    ``stretches`` as in `draw_geometry`. The order of the jitter comes from the CPU's generator, as the host launches
    operations by it. All else comes from the generator of ``device``.
    """

    def uniform(low: float, high: float) -> Tensor:
        return torch.rand(count, device=device) * (high - low) + low

    def chosen(probability: float) -> Tensor:
        return torch.rand(count, device=device) < probability

    brightness, contrast, saturation, hue = recipe.jitter
    return ViewDraw(
        geometry=draw_geometry(count, height, width, recipe, device, stretches),
        order=tuple(torch.randperm(4).tolist()),
        jittered=chosen(recipe.jitter_probability),
        brightness=uniform(1.0 - brightness, 1.0 + brightness),
        contrast=uniform(1.0 - contrast, 1.0 + contrast),
        saturation=uniform(1.0 - saturation, 1.0 + saturation),
        hue=uniform(-hue, hue),
        greyed=chosen(recipe.grey),
        blurred=chosen(recipe.blur_probability),
        sigma=uniform(*recipe.blur),
    )


def draw_geometry(
    count: int,
    height: int,
    width: int,
    recipe: Views,
    device: torch.device | str,
    stretches: Tensor | None = None,
) -> Geometry:
    """Flips, and boxes as RandomResizedCrop draws them (area share ``recipe.scale``, aspect 3:4 to 4:3, whole pixels).

    Each image draws ten tries at once and takes the first that fits, or else the largest centred crop. The aspect is
    that in the picture itself, which is packed ``stretches`` (B,) times as wide, relative to its height; None where
    pictures are packed in their own shape. Boxes of views that aren't square are as much wider, or narrower, as these.
    """
    if stretches is None:
        stretches = torch.ones(count, device=device)
    view_height, view_width = view_size(recipe)
    stretches = stretches * (view_width / view_height)

    def uniform(low: float, high: float) -> Tensor:
        return torch.rand(count, _TRIES, device=device) * (high - low) + low

    area = height * width * uniform(*recipe.scale)
    ratio = torch.exp(uniform(math.log(_RATIO[0]), math.log(_RATIO[1]))) * stretches[:, None]
    w, h = torch.sqrt(area * ratio).round(), torch.sqrt(area / ratio).round()
    fits = (w >= 1) & (w <= width) & (h >= 1) & (h <= height)
    first = fits.int().argmax(dim=1, keepdim=True)
    w, h = w.gather(1, first).squeeze(1), h.gather(1, first).squeeze(1)
    none = ~fits.any(dim=1)
    w = torch.where(none, (height * _RATIO[1] * stretches).round().clamp(1, width), w)
    h = torch.where(none, (width / _RATIO[0] / stretches).round().clamp(1, height), h)
    place = torch.rand(2, count, device=device)
    x = torch.where(none, (width - w) / 2, place[0] * (width - w + 1)).floor()
    y = torch.where(none, (height - h) / 2, place[1] * (height - h + 1)).floor()
    return Geometry(torch.stack([x, y, w, h], dim=1), torch.rand(count, device=device) < recipe.flip)
