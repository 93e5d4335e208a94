"""Augmented views of a batch and their geometry (paper, appendix C; MoCo-v2's augmentation).

Random choices are drawn first (view_draw.py). Then the views are rendered: in uint8 with OpenCV for images on a CPU
(cpu_views.py), otherwise in batch on the images' device, for which the host never waits.
"""

import functools
import math

import torch
from torch import Tensor
from torch.nn import functional as F

from liftedcl.recipes.encoder_recipe import Views
from liftedcl.views import cpu_views
from liftedcl.views.rgb import GREY, MEAN, STD
from liftedcl.views.view_draw import Geometry, ViewDraw, view_size


def render_views(images: Tensor, draw: ViewDraw, recipe: Views) -> Tensor:
    """The views of ``images`` (B, 3, H, W) uint8 RGB that ``draw``, on the same device, describes.

    Returns (B, 3, H', W') float32, of `view_size`, normalised, channels last in memory.
    """
    if images.device.type == "cpu":
        return cpu_views.render(images, draw, view_size(recipe))
    return render_batched(images, draw, recipe)


@torch.no_grad()
def render_batched(images: Tensor, draw: ViewDraw, recipe: Views) -> Tensor:
    """`render_views` in batch, on any device: each operation runs for all images and is kept where ``draw`` says so."""
    with torch.autocast(images.device.type, enabled=False):  # bfloat16 has fewer digits than the images
        views = resample(images.float().div_(255.0), draw.geometry, view_size(recipe))
        views = _where(draw.jittered, colour_jitter(views, draw), views)
        views = _where(draw.greyed, _grey(views), views)
        views = _where(draw.blurred, gaussian_blur(views, draw.sigma, recipe.blur[1]), views)
        return normalise(views).contiguous(memory_format=torch.channels_last)


def normalise(images: Tensor) -> Tensor:
    """(B, 3, H, W) in [0, 1] -> normalised with ImageNet's RGB statistics."""
    shift = tuple(-mean / std for mean, std in zip(MEAN, STD, strict=True))
    scale = tuple(1.0 / std for std in STD)
    return torch.addcmul(_per_channel(shift, images.device), images, _per_channel(scale, images.device))


@functools.cache
def _per_channel(values: tuple[float, ...], device: torch.device) -> Tensor:
    """(1, 3, 1, 1) float32, copied to the device once, because such a copy makes the host wait."""
    with torch.inference_mode(False):  # an inference tensor could not take part in a gradient later
        return torch.tensor(values, device=device).view(1, 3, 1, 1)


def resample(images: Tensor, geometry: Geometry, size: tuple[int, int]) -> Tensor:
    """Cut the boxes out of (B, 3, H, W), resize them to (B, 3, *size), and flip.

    Bilinear, with PIL's low-pass filter where a box is larger than the view. Pixels outside a box have no influence.
    """
    _, _, height, width = images.shape
    x, y, w, h = geometry.boxes.unbind(dim=1)
    rows, columns = _linear_weights(y, h, size[0], height), _linear_weights(x, w, size[1], width)
    columns = torch.where(geometry.flips[:, None, None], columns.flip(1), columns)
    return torch.einsum("bih,bchw,bjw->bcij", rows, images, columns)


def _linear_weights(start: Tensor, length: Tensor, size: int, pixels: int) -> Tensor:
    """Weights (B, size, pixels) that resize the interval of a row of ``pixels`` to ``size``; they sum to 1."""
    step = (length / size)[:, None, None]
    centres = start[:, None, None] + (torch.arange(size, device=start.device)[:, None] + 0.5) * step
    places = torch.arange(pixels, device=start.device) + 0.5
    weights = (1.0 - (places - centres).abs() / step.clamp_min(1.0)).clamp_min(0.0)
    inside = (places > start[:, None, None]) & (places < (start + length)[:, None, None])
    weights = weights * inside
    return weights / weights.sum(dim=2, keepdim=True)


def colour_jitter(images: Tensor, draw: ViewDraw) -> Tensor:
    """Change brightness, contrast, saturation and hue of (B, 3, H, W) in [0, 1] as drawn, in the order drawn."""
    brightness, contrast, saturation, turns = (
        factor[:, None, None, None] for factor in (draw.brightness, draw.contrast, draw.saturation, draw.hue)
    )
    operations = (
        lambda x: (x * brightness).clamp_(0, 1),
        lambda x: _blend(x, _grey(x).mean(dim=(2, 3), keepdim=True), contrast),
        lambda x: _blend(x, _grey(x), saturation),
        lambda x: _turn_hue(x, turns),
    )
    for index in draw.order:
        images = operations[index](images)
    return images


def gaussian_blur(images: Tensor, sigma: Tensor, largest: float) -> Tensor:
    """Blur each image of (B, 3, H, W) with its own ``sigma`` (B,), in pixels, by two 1-D convolutions.

    The kernels reach three times as far as ``largest``, which no sigma exceeds.
    """
    batch, channels, height, width = images.shape
    radius = max(1, math.ceil(3.0 * largest))
    offsets = torch.arange(-radius, radius + 1, device=images.device, dtype=images.dtype)
    kernel = torch.exp(-0.5 * (offsets / sigma[:, None]) ** 2)
    kernel = (kernel / kernel.sum(dim=1, keepdim=True))[:, None].expand(-1, channels, -1)
    kernel = kernel.reshape(batch * channels, -1)
    x = images.reshape(1, batch * channels, height, width)
    x = F.conv2d(F.pad(x, (radius, radius, 0, 0), mode="reflect"), kernel[:, None, None, :], groups=len(kernel))
    x = F.conv2d(F.pad(x, (0, 0, radius, radius), mode="reflect"), kernel[:, None, :, None], groups=len(kernel))
    return x.reshape(images.shape)


def _where(chosen: Tensor, changed: Tensor, images: Tensor) -> Tensor:
    return torch.where(chosen[:, None, None, None], changed, images)


def _grey(images: Tensor) -> Tensor:
    """(B, 3, H, W) -> (B, 1, H, W)."""
    red, green, blue = images.split(1, dim=1)
    return (red * GREY[0]).add_(green, alpha=GREY[1]).add_(blue, alpha=GREY[2])


def _blend(images: Tensor, other: Tensor, factor: Tensor) -> Tensor:
    return torch.lerp(other.expand_as(images), images, factor).clamp_(0, 1)


def _turn_hue(images: Tensor, turns: Tensor) -> Tensor:
    """Turn the hue of (B, 3, H, W) by ``turns`` (B, 1, 1, 1) of the circle, through HSV, as torchvision does."""
    value, least = images.amax(dim=1, keepdim=True), images.amin(dim=1, keepdim=True)
    chroma = value - least
    safe = chroma.masked_fill(chroma == 0, 1.0)
    red, green, blue = images.split(1, dim=1)
    hue = torch.where(
        value == red,
        (green - blue) / safe,
        torch.where(value == green, 2.0 + (blue - red) / safe, 4.0 + (red - green) / safe),
    )
    # f(n) = v - c * clamp(min(k, 4 - k), 0, 1) with k = (n + 6 h) mod 6 gives red, green, blue for n = 5, 3, 1.
    phase = (hue + 6.0 * turns + _per_channel((5.0, 3.0, 1.0), images.device)) % 6.0
    return value - chroma * torch.minimum(phase, 4.0 - phase).clamp_(0, 1)
