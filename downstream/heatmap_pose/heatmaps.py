"""Between joints and heatmaps: targets, losses and decoding, batched (SimplePose, Xiao et al. 2018, section 2).

Cell k of a heatmap stands for pixel ``stride * k`` of the crop, as in the published code of SimplePose and HRNet.
"""

import torch
from torch import Tensor

_REACH = 3
"""A target's Gaussian ends after this many sigma."""


def gaussian_targets(
    joints: Tensor, visible: Tensor, *, size: tuple[int, int], stride: int, sigma: float
) -> tuple[Tensor, Tensor]:
    """Target heatmaps, and which of them count in the loss.

    Departure from the published code: there a Gaussian that just misses the upper or left border counts, as a map of
    zeros; here it doesn't, like one that misses the other two.

    Args:
        joints: (B, J, 2) px of the crop.
        visible: (B, J) bool or 0 and 1.
        size: width and height of the heatmaps.
        stride: pixels of the crop a cell.
        sigma: deviation of the Gaussian in cells; its peak is 1, at the cell nearest to the joint.

    Returns:
        Targets (B, J, h, w), and weights (B, J): 0 where the joint isn't visible or its Gaussian is outside.
    """
    width, height = size
    peaks = torch.floor(joints / stride + 0.5)
    across, down = (_bell(peaks[..., axis], length, sigma) for axis, length in enumerate((width, height)))
    weights = visible.to(joints.dtype) * across.any(dim=2) * down.any(dim=2)
    return down[..., :, None] * across[..., None, :], weights


def _bell(peaks: Tensor, length: int, sigma: float) -> Tensor:
    """(B, J) to (B, J, length)."""
    distances = torch.arange(length, device=peaks.device, dtype=peaks.dtype) - peaks[..., None]
    return torch.exp(-(distances**2) / (2 * sigma**2)) * (distances.abs() <= _REACH * sigma)


def heatmap_loss(outputs: Tensor, targets: Tensor, weights: Tensor, loss: str) -> Tensor:
    """One of `heatmap_recipe.LOSSES`.

    ``mse_mean``: mean over joints of half the squared error (COCO and MPII). ``mse_sum``: sum over joints of the
    squared error (Human3.6M). ``cross_entropy``: of the outputs' softmax over the cells, mean over the visible joints.

    Args:
        outputs, targets: (B, J, h, w).
        weights: (B, J).
    """
    if loss == "cross_entropy":
        wanted = targets.flatten(2)
        wanted = wanted / wanted.sum(dim=2, keepdim=True).clamp_min(1e-6)
        entropies = -(wanted * outputs.flatten(2).log_softmax(dim=2)).sum(dim=2)
        return (weights * entropies).sum() / weights.sum().clamp_min(1)
    errors = (weights[..., None, None] * (outputs - targets)).square().mean(dim=(0, 2, 3))  # (J,)
    return errors.mean() / 2 if loss == "mse_mean" else errors.sum()


def to_heatmaps(outputs: Tensor, *, loss: str, sigma: float) -> Tensor:
    """The network's outputs as heatmaps whose peak is about 1 where the network is certain.

    A network trained with ``cross_entropy`` gives logits: their softmax sums to 1, a target to the Gaussian's volume.
    """
    if loss != "cross_entropy":
        return outputs
    reach = int(_REACH * sigma)
    cells = torch.arange(-reach, reach + 1, device=outputs.device, dtype=outputs.dtype)
    volume = torch.exp(-(cells**2) / (2 * sigma**2)).sum() ** 2
    return (outputs.flatten(2).softmax(dim=2) * volume).view_as(outputs)


def unmirror_heatmaps(heatmaps: Tensor, mirrored: Tensor) -> Tensor:
    """Turn heatmaps (B, J, h, w) of the mirrored crop into the crop's own: flip, swap pairs, shift by a cell.

    Pixel u of a crop of width W mirrors to W - 1 - u, cell k of w to w - 1 - k, which stands for a pixel ``stride - 1``
    too far to the left. The shift corrects all but one pixel of that (the flip test of the published code). The first
    column has no neighbour to take values from and stays.

    Args:
        mirrored: joint order after a mirror image, (J,) int64.
    """
    flipped = heatmaps.flip(3)[:, mirrored]
    return torch.cat([flipped[..., :1], flipped[..., :-1]], dim=3)


def decode(heatmaps: Tensor, *, stride: int, offset: bool) -> tuple[Tensor, Tensor]:
    """The highest cell of each heatmap (B, J, h, w) as a joint (B, J, 2) in px of the crop, and its height (B, J).

    Departure: where no cell is above 0, the published code answers with the crop's corner.

    Args:
        stride: pixels of the crop a cell.
        offset: move a quarter of a cell towards the higher neighbour, on each axis, wherever a cell has both.
            Departure: the published code does so only from the second inner cell on.
    """
    height, width = heatmaps.shape[2:]
    heights, cells = heatmaps.flatten(2).max(dim=2)
    column, row = cells % width, cells // width
    joints = torch.stack([column, row], dim=2).to(heatmaps.dtype)
    if offset:
        across = heatmaps.gather(2, row[..., None, None].expand(-1, -1, 1, width)).squeeze(2)  # (B, J, w)
        down = heatmaps.gather(3, column[..., None, None].expand(-1, -1, height, 1)).squeeze(3)
        joints = joints + 0.25 * torch.stack([_slope(across, column), _slope(down, row)], dim=2)
    return joints * stride, heights


def _slope(lines: Tensor, cells: Tensor) -> Tensor:
    """Sign of the difference of the neighbours of ``cells`` (B, J) in ``lines`` (B, J, n); 0 at an end."""
    after = lines.gather(2, (cells + 1).clamp_max(lines.shape[2] - 1)[..., None]).squeeze(2)
    before = lines.gather(2, (cells - 1).clamp_min(0)[..., None]).squeeze(2)
    inner = (cells > 0) & (cells < lines.shape[2] - 1)
    return torch.sign(after - before) * inner
