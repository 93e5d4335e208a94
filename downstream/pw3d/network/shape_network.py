"""RSC-Net: resolution-aware encoder, iterative regressor of SMPL's parameters, and the contrastive MLP.

The regressor is that of Kanazawa et al. 2018 (HMR), or HMR2's (query_decoder.py); the rest follows Xu et al. 2020.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from downstream.pw3d.body.smpl_layer import TrainingJoints
from downstream.pw3d.network.negatives import Negatives
from downstream.pw3d.network.query_decoder import QueryDecoder
from downstream.pw3d.network.resolution_scalars import ResolutionScalars
from liftedcl.engine.device import full_precision

_SIZES = (24 * 6, 10, 3)
"""Numbers that are regressed for pose, betas and camera."""


@dataclass(frozen=True)
class Shapes:
    """The network's output for N images; the leading dimension may be split further.

    Attributes:
        rotations: (N, 24, 3, 3), local, the first one global.
        betas: (N, 10).
        cameras: (N, 3): s, tx, ty of the weak-perspective camera, for a crop from -1 to 1.
        embeddings: (N, D) unit vectors for the contrastive term.
    """

    rotations: Tensor
    betas: Tensor
    cameras: Tensor
    embeddings: Tensor

    def by_level(self, levels: int) -> "Shapes":
        """The same with (levels, N / levels) in place of N, for images that are sorted by level."""
        parts = (self.rotations, self.betas, self.cameras, self.embeddings)
        return Shapes(*(part.unflatten(0, (levels, -1)) for part in parts))


class ShapeRegressor(nn.Module):
    """HMR's iterative regressor: it corrects the present estimate, given the features and that estimate.

    Args:
        channels: C of the features.
        mean: the estimate at the start: pose (144,) as `rotations_from_6d` takes it, betas (10,), camera (3,).
    """

    start: Tensor

    def __init__(
        self, channels: int, *, width: int, dropout: float, iterations: int, mean: tuple[np.ndarray, ...]
    ) -> None:
        super().__init__()
        self._iterations = iterations
        self.layers = nn.Sequential(
            nn.Linear(channels + sum(_SIZES), width),
            nn.ReLU(inplace=True),
            nn.Dropout(dropout),
            nn.Linear(width, width),
            nn.ReLU(inplace=True),
            nn.Dropout(dropout),
        )
        self.heads = _heads(width)
        self.register_buffer("start", _start(mean))

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Features (N, C) to rotations (N, 24, 3, 3), betas (N, 10) and cameras (N, 3)."""
        estimate = self.start.expand(len(features), -1)
        for _ in range(self._iterations):
            hidden = self.layers(torch.cat([features, estimate], dim=1))
            estimate = estimate + torch.cat([head(hidden) for head in self.heads], dim=1)
        return _parameters(estimate)


class OneStepRegressor(nn.Module):
    """HMR2's, for a `QueryDecoder`: its features correct the mean estimate once. Arguments as of `ShapeRegressor`."""

    start: Tensor

    def __init__(self, channels: int, *, mean: tuple[np.ndarray, ...]) -> None:
        super().__init__()
        self.heads = _heads(channels)
        self.register_buffer("start", _start(mean))

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Features (N, C) to rotations (N, 24, 3, 3), betas (N, 10) and cameras (N, 3)."""
        return _parameters(self.start + torch.cat([head(features) for head in self.heads], dim=1))


def _heads(width: int) -> nn.ModuleList:
    heads = nn.ModuleList(nn.Linear(width, size) for size in _SIZES)
    for head in heads:
        nn.init.xavier_uniform_(head.weight, gain=0.01)  # so that training starts near the mean body
    return heads


def _start(mean: tuple[np.ndarray, ...]) -> Tensor:
    return torch.from_numpy(np.concatenate([np.asarray(part, dtype=np.float32).reshape(-1) for part in mean]))


def _parameters(estimate: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    pose, betas, cameras = estimate.split(_SIZES, dim=1)
    return rotations_from_6d(pose), betas, cameras


class ShapeNetwork(nn.Module):
    """All modules that a checkpoint of this benchmark holds.

    Args:
        backbone: the encoder under test, with ``out_channels``.
        joints: the body model, through which the losses reach the parameters; nothing in it is trained.
        levels: number of resolutions.
        decoder: makes the features of a map; None takes its mean.
    """

    def __init__(
        self,
        backbone: nn.Module,
        regressor: ShapeRegressor | OneStepRegressor,
        joints: TrainingJoints,
        *,
        decoder: QueryDecoder | None = None,
        levels: int,
        embedding_width: int,
        embedding: int,
        queue: int,
    ) -> None:
        super().__init__()
        self.encoder = ResolutionScalars(backbone, levels)
        self.decoder, self.regressor, self.joints = decoder, regressor, joints
        self.projector = nn.Sequential(
            nn.Linear((decoder or backbone).out_channels, embedding_width),
            nn.ReLU(inplace=True),
            nn.Linear(embedding_width, embedding),
        )
        self.negatives = Negatives(queue, embedding)

    def forward(self, images: Tensor, levels: Sequence[int]) -> Shapes:
        """Normalised images (N, 3, S, S), as many of each of ``levels``, which follow each other.

        Each level goes through the encoder by itself, as in the published code: it has batch statistics of its own.
        """
        parts = zip(images.chunk(len(levels)), levels, strict=True)
        reduced = self.decoder or partial(torch.mean, dim=(2, 3))
        features = torch.cat([reduced(self.encoder(part, level)) for part, level in parts])
        with full_precision(features):
            features = features.float()
            return Shapes(*self.regressor(features), F.normalize(self.projector(features), dim=1))


def rotations_from_6d(numbers: Tensor) -> Tensor:
    """Rotation matrices (..., J, 3, 3) of (..., 6 J), whose columns are orthonormalised by Gram and Schmidt.

    Each six are a 3x2 matrix in row-major order, as in SPIN: entries 0, 2, 4 are the rotation's first column, 1, 3, 5
    its second (Zhou et al. 2019).
    """
    columns = numbers.unflatten(-1, (-1, 3, 2))
    first = F.normalize(columns[..., 0], dim=-1)
    second = columns[..., 1]
    second = F.normalize(second - (first * second).sum(-1, keepdim=True) * first, dim=-1)
    return torch.stack([first, second, torch.linalg.cross(first, second)], dim=-1)


def translations(cameras: Tensor, *, focal_length: float, size: int) -> Tensor:
    """The body's place (..., 3) in metres before a camera of ``focal_length`` px, of weak-perspective cameras (..., 3).

    t = (tx, ty, 2 f / (size s)) (Kolotouros et al. 2019). A scale below 0 puts the camera behind the body; at 0 the
    denominator is kept off 0, as in the published code.
    """
    scale, x, y = cameras.unbind(-1)
    return torch.stack([x, y, 2 * focal_length / (size * scale + 1e-9)], dim=-1)


def project(points: Tensor, places: Tensor, *, focal_length: float, size: int) -> Tensor:
    """Points (..., P, 3) in metres, moved by `translations` (..., 3), in the crop from -1 to 1: (..., P, 2).

    A crop's pixel u is at 2 u / size - 1.
    """
    placed = points + places[..., None, :]
    return placed[..., :2] / placed[..., 2:] * (2 * focal_length / size)
