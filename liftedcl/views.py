"""Augmented views of a batch and their geometry (paper, appendix C; MoCo-v2's augmentation), on the batch's device.

Crop, flip, colour jitter, grey, blur and normalisation are batched; randomness comes from the global torch RNG, which
the engine seeds per step. Distributions are those of torchvision's transforms, with one difference: the order of the
four jitter operations is drawn once per batch, not once per image.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from liftedcl.encoder_recipe import Views

MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)
"""ImageNet statistics, RGB."""

_RATIO = (3.0 / 4.0, 4.0 / 3.0)
_TRIES = 10
_GREY = (0.299, 0.587, 0.114)


@dataclass(frozen=True)
class Geometry:
    """Where views come from. ``boxes`` (B, 4): x, y, width, height in pixels of the image; ``flips`` (B,) bool."""

    boxes: Tensor
    flips: Tensor


def random_views(images: Tensor, recipe: Views) -> tuple[Tensor, Geometry]:
    """One random view of each image.

    Args:
        images: (B, 3, H, W) uint8 RGB.

    Returns:
        Views (B, 3, S, S) float32, normalised, and their geometry.
    """
    geometry = random_geometry(images, recipe)
    views = resample(images.float().div_(255.0), geometry, recipe.size)
    views = _sometimes(recipe.jitter_probability, views, colour_jitter(views, recipe.jitter))
    views = _sometimes(recipe.grey, views, _grey(views).expand_as(views))
    views = _sometimes(recipe.blur_probability, views, gaussian_blur(views, recipe.blur))
    return normalise(views), geometry


def normalise(images: Tensor) -> Tensor:
    """(B, 3, H, W) in [0, 1] -> normalised with ImageNet's RGB statistics."""
    mean, std = (images.new_tensor(values).view(1, 3, 1, 1) for values in (MEAN, STD))
    return (images - mean) / std


def random_geometry(images: Tensor, recipe: Views) -> Geometry:
    """Boxes as RandomResizedCrop draws them (area share in ``recipe.scale``, aspect 3:4 to 4:3, whole pixels), flips.

    Every image draws all ten tries at once and takes the first that fits, else the largest centred crop.
    """
    batch, _, height, width = images.shape
    device = images.device

    def uniform(low: float, high: float) -> Tensor:
        return torch.rand(batch, _TRIES, device=device) * (high - low) + low

    area = height * width * uniform(*recipe.scale)
    ratio = torch.exp(uniform(math.log(_RATIO[0]), math.log(_RATIO[1])))
    w, h = torch.sqrt(area * ratio).round(), torch.sqrt(area / ratio).round()
    fits = (w >= 1) & (w <= width) & (h >= 1) & (h <= height)
    first = fits.int().argmax(dim=1, keepdim=True)
    w, h = w.gather(1, first).squeeze(1), h.gather(1, first).squeeze(1)
    some = fits.any(dim=1)
    w = torch.where(some, w, float(min(width, round(height * _RATIO[1]))))
    h = torch.where(some, h, float(min(height, round(width / _RATIO[0]))))
    place = torch.rand(2, batch, device=device)
    x = torch.where(some, (place[0] * (width - w + 1)).floor(), ((width - w) / 2).round())
    y = torch.where(some, (place[1] * (height - h + 1)).floor(), ((height - h) / 2).round())
    return Geometry(torch.stack([x, y, w, h], dim=1), torch.rand(batch, device=device) < recipe.flip)


def resample(images: Tensor, geometry: Geometry, size: int) -> Tensor:
    """Cut the boxes out of (B, 3, H, W), resize them bilinearly to (B, 3, size, size), and flip.

    Coordinates are clamped to the box, so nothing outside it bleeds in. Equal to an antialiased resize as long as no
    box is larger than the view, which `liftedcl.pretrain` checks.
    """
    _, _, height, width = images.shape
    x, y, w, h = geometry.boxes.unbind(dim=1)
    steps = (torch.arange(size, device=images.device, dtype=images.dtype) + 0.5) / size
    across = torch.where(geometry.flips[:, None], 1.0 - steps, steps)  # (B, S)
    columns = _inside(x, w, across)
    rows = _inside(y, h, steps.expand_as(across))
    grid = torch.stack(
        [
            (2.0 * columns / width - 1.0)[:, None, :].expand(-1, size, -1),
            (2.0 * rows / height - 1.0)[:, :, None].expand(-1, -1, size),
        ],
        dim=-1,
    )
    return F.grid_sample(images, grid, mode="bilinear", padding_mode="border", align_corners=False)


def _inside(start: Tensor, length: Tensor, share: Tensor) -> Tensor:
    """Positions at ``share`` of the interval, kept on its outermost pixel centres. Shape (B, S)."""
    position = start[:, None] + share * length[:, None]
    low, high = start[:, None] + 0.5, (start + length)[:, None] - 0.5
    return torch.minimum(torch.maximum(position, low), high)


def colour_jitter(images: Tensor, strength: tuple[float, float, float, float]) -> Tensor:
    """Brightness, contrast, saturation and hue of (B, 3, H, W) in [0, 1], one random factor an image and operation."""
    factors = [torch.empty(len(images), 1, 1, 1, device=images.device).uniform_(1 - s, 1 + s) for s in strength[:3]]
    turns = torch.empty(len(images), 1, 1, device=images.device).uniform_(-strength[3], strength[3])
    operations = (
        lambda x: (x * factors[0]).clamp_(0, 1),
        lambda x: _blend(x, _grey(x).mean(dim=(2, 3), keepdim=True), factors[1]),
        lambda x: _blend(x, _grey(x), factors[2]),
        lambda x: _turn_hue(x, turns),
    )
    for index in torch.randperm(4).tolist():
        images = operations[index](images)
    return images


def gaussian_blur(images: Tensor, sigmas: tuple[float, float]) -> Tensor:
    """Blur each image of (B, 3, H, W) with its own sigma, uniform in ``sigmas`` (pixels), by two 1-D convolutions."""
    batch, channels, height, width = images.shape
    radius = max(1, math.ceil(3.0 * sigmas[1]))
    sigma = torch.empty(batch, 1, device=images.device).uniform_(*sigmas)
    offsets = torch.arange(-radius, radius + 1, device=images.device, dtype=images.dtype)
    kernel = torch.exp(-0.5 * (offsets / sigma) ** 2)
    kernel = (kernel / kernel.sum(dim=1, keepdim=True)).repeat_interleave(channels, dim=0)  # (B*C, 2r+1)
    x = images.reshape(1, batch * channels, height, width)
    x = F.conv2d(F.pad(x, (radius, radius, 0, 0), mode="reflect"), kernel[:, None, None, :], groups=len(kernel))
    x = F.conv2d(F.pad(x, (0, 0, radius, radius), mode="reflect"), kernel[:, None, :, None], groups=len(kernel))
    return x.reshape(images.shape)


def _sometimes(probability: float, images: Tensor, changed: Tensor) -> Tensor:
    chosen = torch.rand(len(images), 1, 1, 1, device=images.device) < probability
    return torch.where(chosen, changed, images)


def _grey(images: Tensor) -> Tensor:
    return (images * images.new_tensor(_GREY).view(1, 3, 1, 1)).sum(dim=1, keepdim=True)


def _blend(images: Tensor, other: Tensor, factor: Tensor) -> Tensor:
    return torch.lerp(other.expand_as(images), images, factor).clamp_(0, 1)


def _turn_hue(images: Tensor, turns: Tensor) -> Tensor:
    """Turn the hue by a share of the circle, through HSV, as torchvision does."""
    value, _ = images.max(dim=1)
    chroma = value - images.min(dim=1).values
    safe = torch.where(chroma > 0, chroma, 1.0)
    red, green, blue = images.unbind(dim=1)
    hue = torch.where(
        value == red,
        (green - blue) / safe,
        torch.where(value == green, 2.0 + (blue - red) / safe, 4.0 + (red - green) / safe),
    )
    hue = hue / 6.0 + turns
    # f(n) = v - c * clamp(min(k, 4 - k), 0, 1) with k = (n + 6 h) mod 6 gives red, green, blue for n = 5, 3, 1.
    phase = (hue[:, None] * 6.0 + hue.new_tensor([5.0, 3.0, 1.0]).view(1, 3, 1, 1)) % 6.0
    return value[:, None] - chroma[:, None] * torch.minimum(phase, 4.0 - phase).clamp_(0, 1)
