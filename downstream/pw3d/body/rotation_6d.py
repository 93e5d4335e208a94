"""Rotations as six numbers (Zhou et al. 2019): the first two columns of the matrix, stored row by row as in SPIN."""

import torch
from torch import Tensor
from torch.nn import functional as F


def rotations_from_6d(numbers: Tensor) -> Tensor:
    """Rotation matrices (..., J, 3, 3) of (..., 6 J), whose columns are orthonormalised by Gram and Schmidt.

    Each six are a 3x2 matrix in row-major order: entries 0, 2, 4 are the first column, 1, 3, 5 the second.
    """
    columns = numbers.unflatten(-1, (-1, 3, 2))
    first = F.normalize(columns[..., 0], dim=-1)
    second = columns[..., 1]
    second = F.normalize(second - (first * second).sum(-1, keepdim=True) * first, dim=-1)
    return torch.stack([first, second, torch.linalg.cross(first, second)], dim=-1)
