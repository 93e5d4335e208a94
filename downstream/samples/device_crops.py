"""Augmented crops cut in batch on the device that trains, from the regions that a loader hands over as they are.

A crop is what `crop.warp`, and with occlusion and gains `pose_augmentation`, make of the region one by one on a CPU, up
to rounding: OpenCV places pixels to a 32nd of a pixel, and draws the noise from the sample's own random numbers. Label
maps, whose nearest pixels OpenCV finds to a 1024th, differ where two are as near.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from downstream.reading.frames import Region
from downstream.samples.crop import from_region, invert_affine, seen_by
from downstream.training.epoch_batches import Pinnable


@dataclass(frozen=True)
class UncutCrops(Pinnable):
    """The parts of B regions that their crops see, and how these are cut.

    Attributes:
        pixels: (B, 3, H, W) uint8 RGB; black below and to the right of a part that is smaller than the others.
        maps: (B, 2, 3) float32, from px of the crop to px of the part.
        noise: (B, 4) float32, first and last px (exclusive) x0, y0, x1, y1 of a rectangle of noise; empty for none.
        gains: (B, 3) float32, of the channels.
        size: width and height of the crops, px.
    """

    pixels: Tensor
    maps: Tensor
    noise: Tensor
    gains: Tensor
    size: tuple[int, int]

    def __len__(self) -> int:
        return len(self.pixels)


def uncut(
    regions: Sequence[Region],
    matrices: np.ndarray,
    size: tuple[int, int],
    *,
    noise: np.ndarray | None = None,
    gains: np.ndarray | None = None,
) -> UncutCrops:
    """Crops of ``size``, width and height, of each of B ``regions``, through maps (B, 2, 3) from its image.

    Args:
        noise: (B, 4) rectangles in px of the regions; None for none.
        gains: (B, 3); None for 1.
    """
    pixels, maps, firsts = _seen(regions, matrices, size, 0)
    noise = np.zeros((len(regions), 4)) if noise is None else noise - np.tile(firsts, 2)
    gains = np.ones((len(regions), 3)) if gains is None else gains
    noise, gains = (torch.from_numpy(part.astype(np.float32)) for part in (noise, gains))
    return UncutCrops(pixels.permute(0, 3, 1, 2), maps, noise, gains, size)


@dataclass(frozen=True)
class UncutLabels(Pinnable):
    """B label maps that are cut as `UncutCrops` are.

    Attributes:
        pixels: (B, H, W) uint8.
        maps, size: as those of crops.
        becomes: (B, 256) uint8, what each value of a map becomes, as left and right change places in a mirror.
        outside: the value of what is outside a map.
    """

    pixels: Tensor
    maps: Tensor
    size: tuple[int, int]
    becomes: Tensor
    outside: int


def uncut_labels(
    labels: Sequence[Region], matrices: np.ndarray, size: tuple[int, int], becomes: np.ndarray, outside: int
) -> UncutLabels:
    """As `uncut`, of regions whose pixels are label maps (H, W); ``becomes``, ``outside`` as in `UncutLabels`."""
    pixels, maps, _ = _seen(labels, matrices, size, outside)
    return UncutLabels(pixels, maps, size, torch.from_numpy(becomes), outside)


def _seen(
    regions: Sequence[Region], matrices: np.ndarray, size: tuple[int, int], beyond: int
) -> tuple[Tensor, Tensor, np.ndarray]:
    """What crops see, ``beyond`` below and to the right of smaller parts; maps to these; their first px (B, 2)."""
    inner = np.stack([from_region(*pair) for pair in zip(matrices, regions, strict=True)])
    seen = [seen_by(matrix, size, region.pixels.shape) for matrix, region in zip(inner, regions, strict=True)]
    parts = [region.pixels[part] for region, part in zip(regions, seen, strict=True)]
    sides = np.max([part.shape[:2] for part in parts], axis=0).clip(1)  # a crop may see nothing
    pixels = np.full((len(parts), *sides, *parts[0].shape[2:]), beyond, np.uint8)
    for place, part in zip(pixels, parts, strict=True):
        place[: part.shape[0], : part.shape[1]] = part
    firsts = np.array([(columns.start, rows.start) for rows, columns in seen])
    maps = invert_affine(inner)
    maps[:, :, 2] -= firsts
    return torch.from_numpy(pixels), torch.from_numpy(maps.astype(np.float32)), firsts


@torch.no_grad()
def cut_on(crops: UncutCrops, device: torch.device) -> Tensor:
    """The crops (B, 3, h, w) on ``device``, whole grey levels from 0 to 255 as float32; the host never waits."""
    pixels, maps, noise, gains = (
        part.to(device, non_blocking=True) for part in (crops.pixels, crops.maps, crops.noise, crops.gains)
    )
    with torch.autocast(device.type, enabled=False):  # bfloat16 has fewer digits than coordinates
        images, places = _covered(pixels.float(), noise), _places(maps, crops.size)
        lines, columns = images.shape[2:]
        shares = torch.stack([(2 * places[..., 0] + 1) / columns, (2 * places[..., 1] + 1) / lines], dim=-1) - 1
        # With align_corners a GPU would take cuDNN's sampler, of which the CPU's tests say nothing.
        cut = F.grid_sample(images, shares, padding_mode="zeros", align_corners=False).round_()
        return (cut * gains[:, :, None, None] + 0.5).floor_().clamp_(0, 255)


@torch.no_grad()
def labels_on(labels: Tensor | UncutLabels, device: torch.device) -> Tensor:
    """Label maps (B, h, w) int64 on ``device``, those that aren't cut yet being cut there; the host never waits."""
    if isinstance(labels, Tensor):
        return labels.to(device, non_blocking=True).long()
    pixels, maps, becomes = (
        part.to(device, non_blocking=True) for part in (labels.pixels, labels.maps, labels.becomes)
    )
    lines, columns = pixels.shape[1:]
    with torch.autocast(device.type, enabled=False):
        x, y = (_places(maps, labels.size) + 0.5).floor_().long().unbind(dim=3)
    inside = (x >= 0) & (x < columns) & (y >= 0) & (y < lines)
    nearest = (y.clamp(0, lines - 1) * columns + x.clamp(0, columns - 1)).flatten(1)
    found = becomes.gather(1, pixels.flatten(1).gather(1, nearest).long())
    return torch.where(inside, found.view(inside.shape).long(), labels.outside)


def _places(maps: Tensor, size: tuple[int, int]) -> Tensor:
    """Where the pixels of crops of ``size``, width and height, are in their regions: (B, h, w, 2) px, x and y."""
    x, y = (torch.arange(side, device=maps.device)[:, None] for side in size)
    across, down, first = (part[:, None, None] for part in maps.unbind(dim=2))
    return across * x + down * y[:, None] + first


def _covered(images: Tensor, noise: Tensor) -> Tensor:
    """Images (B, 3, H, W) with random grey levels within the rectangles ``noise`` (B, 4)."""
    y = torch.arange(images.shape[2], device=images.device)[None, :, None]
    x = torch.arange(images.shape[3], device=images.device)[None, None, :]
    left, top, right, bottom = noise[:, :, None, None].unbind(dim=1)
    inside = (x >= left) & (x < right) & (y >= top) & (y < bottom)
    return torch.where(inside[:, None], torch.randint_like(images, 0, 256), images)
