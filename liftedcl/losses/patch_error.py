"""The error of completed patches (MAE, He et al. 2022, section 3)."""

from torch import Tensor

_EPS = 1e-6


def patches_of(images: Tensor, grid: tuple[int, int]) -> Tensor:
    """Images (B, C, H, W) as their patches, row by row: (B, rows * columns, pixels of a patch * C)."""
    sides = [length // cells for length, cells in zip(images.shape[2:], grid, strict=True)]
    cut = images.unflatten(3, (grid[1], sides[1])).unflatten(2, (grid[0], sides[0]))  # (B, C, rows, h, columns, w)
    return cut.permute(0, 2, 4, 3, 5, 1).flatten(3).flatten(1, 2)


def images_of(patches: Tensor, grid: tuple[int, int], sides: tuple[int, int]) -> Tensor:
    """The inverse of `patches_of`, for patches of height and width ``sides``: (B, 3, H, W)."""
    cut = patches.unflatten(2, (*sides, 3)).unflatten(1, grid)
    return cut.permute(0, 5, 1, 3, 2, 4).flatten(4).flatten(2, 3)


def normalised(patches: Tensor) -> Tensor:
    """Each patch's values minus their mean, over their deviation: unbiased, with 1e-6 added to the variance."""
    mean, variance = patches.mean(dim=2, keepdim=True), patches.var(dim=2, keepdim=True)
    return (patches - mean) / (variance + _EPS).sqrt()


def hidden_errors(predicted: Tensor, targets: Tensor, hidden: Tensor) -> Tensor:
    """The mean squared error (B,) over the patches ``hidden`` (B, M) of (B, N, values)."""
    places = hidden[:, :, None].expand(-1, -1, targets.shape[2])
    return (predicted.float().gather(1, places) - targets.gather(1, places)).square().mean(dim=(1, 2))


def mean_errors(targets: Tensor, hidden: Tensor) -> Tensor:
    """`hidden_errors` (B,) of predicting each patch's own mean for all its values."""
    return hidden_errors(targets.mean(dim=2, keepdim=True).expand_as(targets), targets, hidden)
