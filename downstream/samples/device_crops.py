"""Augmented crops cut in batch on the device that trains, from the regions that a loader hands over as they are.

A crop is what `crop.warp`, and with occlusion and gains `pose_augmentation`, make of the region one by one on a CPU, up
to rounding: OpenCV places pixels to a 32nd of a pixel, and draws the noise from the sample's own random numbers.
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
    inner = np.stack([from_region(*pair) for pair in zip(matrices, regions, strict=True)])
    seen = [seen_by(matrix, size, region.pixels.shape) for matrix, region in zip(inner, regions, strict=True)]
    parts = [region.pixels[part] for region, part in zip(regions, seen, strict=True)]
    sides = np.max([part.shape[:2] for part in parts], axis=0).clip(2)  # a crop may see nothing
    pixels = np.zeros((len(regions), *sides, 3), np.uint8)
    for place, part in zip(pixels, parts, strict=True):
        place[: part.shape[0], : part.shape[1]] = part
    firsts = np.array([(columns.start, rows.start) for rows, columns in seen])
    maps = invert_affine(inner)
    maps[:, :, 2] -= firsts
    noise = np.zeros((len(regions), 4)) if noise is None else noise - np.tile(firsts, 2)
    gains = np.ones((len(regions), 3)) if gains is None else gains
    maps, noise, gains = (torch.from_numpy(part.astype(np.float32)) for part in (maps, noise, gains))
    return UncutCrops(torch.from_numpy(pixels).permute(0, 3, 1, 2), maps, noise, gains, size)


@torch.no_grad()
def cut_on(crops: UncutCrops, device: torch.device) -> Tensor:
    """The crops (B, 3, h, w) on ``device``, whole grey levels from 0 to 255 as float32; the host never waits."""
    pixels, maps, noise, gains = (
        part.to(device, non_blocking=True) for part in (crops.pixels, crops.maps, crops.noise, crops.gains)
    )
    with torch.autocast(device.type, enabled=False):  # bfloat16 has fewer digits than coordinates
        images = _covered(pixels.float(), noise)
        (width, height), (lines, columns) = crops.size, images.shape[2:]
        x, y = torch.arange(width, device=device), torch.arange(height, device=device)
        across, down = (
            maps[:, None, None, :, 0] * x[None, None, :, None],
            maps[:, None, None, :, 1] * y[None, :, None, None],
        )
        places = across + down + maps[:, None, None, :, 2]  # (B, h, w, 2) px of the part
        shares = torch.stack([2 * places[..., 0] / (columns - 1) - 1, 2 * places[..., 1] / (lines - 1) - 1], dim=-1)
        cut = F.grid_sample(images, shares, padding_mode="zeros", align_corners=True).round_()
        return (cut * gains[:, :, None, None] + 0.5).floor_().clamp_(0, 255)


def _covered(images: Tensor, noise: Tensor) -> Tensor:
    """Images (B, 3, H, W) with random grey levels within the rectangles ``noise`` (B, 4)."""
    y = torch.arange(images.shape[2], device=images.device)[None, :, None]
    x = torch.arange(images.shape[3], device=images.device)[None, None, :]
    left, top, right, bottom = noise[:, :, None, None].unbind(dim=1)
    inside = (x >= left) & (x < right) & (y >= top) & (y < bottom)
    return torch.where(inside[:, None], torch.randint_like(images, 0, 256), images)
