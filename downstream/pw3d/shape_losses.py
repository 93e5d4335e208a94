"""Losses of RSC-Net (Xu et al. 2020, section 3.3): supervision at every resolution, agreement between resolutions.

Leading dimensions are (K, B): K resolutions of the same B people, from the full one (0) to the coarsest.
"""

from dataclasses import dataclass

import torch
from smplx.lbs import batch_rodrigues
from torch import Tensor

from downstream.pw3d.body.body_model import TRAINING_JOINTS
from downstream.pw3d.body.smpl_layer import TrainingJoints
from downstream.pw3d.data import ShapeBatch
from downstream.pw3d.network.shape_network import Shapes
from downstream.pw3d.recipe import PW3D, ShapeLoss

_HIPS = (TRAINING_JOINTS.index("right_hip"), TRAINING_JOINTS.index("left_hip"))

_MEAN_OVER = 49
"""Joints that the published 2D term is a mean over: the 24 training joints, and 25 detected ones of weight 0."""


@dataclass(frozen=True)
class ShapeTargets:
    """The targets of B people.

    Attributes:
        keypoints_2d: (B, 24, 3): places in a crop from -1 to 1, and confidence.
        keypoints_3d: (B, 24, 4): metres in the camera's frame, up to a shift, and confidence.
        rotations, betas: (B, 24, 3, 3), (B, 10); true where ``has_smpl`` (B,) is 1.
        places: (B, 3), where the body is before the camera, metres; known where ``has_place`` (B,) is 1.
    """

    keypoints_2d: Tensor
    keypoints_3d: Tensor
    rotations: Tensor
    betas: Tensor
    has_smpl: Tensor
    places: Tensor
    has_place: Tensor


def targets_of(batch: ShapeBatch, joints: TrainingJoints, recipe: PW3D, device: torch.device | str) -> ShapeTargets:
    """The targets of ``batch`` on ``device``, where the module ``joints`` is; true bodies are placed by a fit."""
    pose, betas, has_smpl, keypoints_2d, keypoints_3d = (
        part.to(device, non_blocking=True)
        for part in (batch.pose, batch.betas, batch.has_smpl, batch.keypoints_2d, batch.keypoints_3d)
    )
    rotations = batch_rodrigues(pose.reshape(-1, 3)).view(-1, 24, 3, 3)
    places, fitted = fitted_translations(
        joints(rotations, betas), keypoints_2d, focal_length=recipe.focal_length, size=recipe.input_size
    )
    return ShapeTargets(keypoints_2d, keypoints_3d, rotations, betas, has_smpl, places, has_smpl * fitted)


def supervised_terms(
    shapes: Shapes, places: Tensor, projected: Tensor, joints: Tensor, targets: ShapeTargets, weights: ShapeLoss
) -> dict[str, Tensor]:
    """Weighted terms of ``shapes`` (K, B); level i counts (i + 1) times in the mean over the levels.

    Args:
        places: where its bodies are before the camera, (K, B, 3) in metres; their depth is some 50 m at 224 px.
        projected: the 24 joints in the crop, (K, B, 24, 2).
        joints: the same in metres, (K, B, 24, 3).
    """
    right, left = (targets.keypoints_3d[:, hip, 3] > 0 for hip in _HIPS)
    known_3d = (right & left).float()  # joints are centred on the hips
    everyone, truth = torch.ones_like(known_3d), targets.keypoints_3d
    centred = torch.cat([truth[..., :3] - _hip_centre(truth[..., :3]), truth[..., 3:]], dim=-1)
    errors_2d = _keypoint_errors(projected, targets.keypoints_2d) * (len(TRAINING_JOINTS) / _MEAN_OVER)
    errors = {
        "keypoints_2d": (weights.keypoints_2d, errors_2d, everyone),
        "keypoints_3d": (weights.keypoints_3d, _keypoint_errors(joints - _hip_centre(joints), centred), known_3d),
        "rotations": (weights.rotations, _mean_square(shapes.rotations - targets.rotations), targets.has_smpl),
        "betas": (weights.betas, _mean_square(shapes.betas - targets.betas), targets.has_smpl),
        "camera": (weights.camera, _mean_square(places - targets.places), targets.has_place),
    }
    levels = torch.arange(1, len(joints) + 1, device=joints.device) / len(joints)
    terms = {}
    for name, (weight, error, rows) in errors.items():
        means = (error * rows).sum(dim=1) / rows.sum().clamp(min=1.0)  # (K,), over the people whom rows counts with 1
        terms[name] = weights.total * weight * (levels * means).sum()
    return terms


def agreement_terms(
    shapes: Shapes, places: Tensor, keys: Tensor, drawn: Tensor, weights: ShapeLoss, ramp: float
) -> dict[str, Tensor]:
    """Weighted terms that pull each resolution j to every finer one i < j; i gets no gradient.

    A pair has the weight (j - i) / K, and ``ramp``, from 0 to 1, multiplies both terms.

    Args:
        shapes: with (K, B), K at least 2.
        places: where its bodies are, (K, B, 3) in metres.
        keys: (Q, D) unit embeddings of the latest images.
        drawn: (K - 1, B, Q) bool: which of them are the negatives of each person when i is the finer resolution.
    """
    levels = len(shapes.betas)
    consistency, contrast = shapes.betas.new_zeros(()), shapes.betas.new_zeros(())
    for fine in range(levels - 1):
        importance = torch.arange(1, levels - fine, device=keys.device) / levels  # (j - i) / K for j = i + 1 .. K - 1
        for weight, parameters in (
            (weights.rotations, shapes.rotations),
            (weights.betas, shapes.betas),
            (weights.camera, places),
        ):
            difference = _mean_square(parameters[fine + 1 :] - parameters[fine].detach()).mean(dim=1)
            consistency = consistency + weight * (importance * difference).sum()
        queries, positives = shapes.embeddings[fine + 1 :], shapes.embeddings[fine].detach()
        distances = nt_xent(queries, positives, keys, drawn[fine], weights.temperature).mean(dim=1)
        contrast = contrast + weights.contrast * (importance * distances).sum()
    scale = weights.total * weights.consistency * ramp
    return {"consistency": scale * consistency, "contrast": scale * contrast}


def nt_xent(queries: Tensor, positives: Tensor, keys: Tensor, drawn: Tensor, temperature: float) -> Tensor:
    """-log of the positive's share among itself and each person's own negatives: (J, B), all vectors of unit length.

    Args:
        queries: (J, B, D).
        positives: (B, D), the same for all J.
        keys: (Q, D).
        drawn: (B, Q) bool, which keys are a person's negatives.
    """
    positive = (queries * positives).sum(dim=-1, keepdim=True) / temperature
    negative = (queries @ keys.T / temperature).masked_fill(~drawn, -torch.inf)
    return torch.cat([positive, negative], dim=-1).logsumexp(dim=-1) - positive[..., 0]


def ramp_up(step: int, length: int) -> float:
    """The weight of the terms between resolutions at ``step``: it grows linearly from 0 to 1 over ``length`` steps."""
    return min(step / length, 1.0)


def fitted_translations(joints: Tensor, keypoints: Tensor, *, focal_length: float, size: int) -> tuple[Tensor, Tensor]:
    """Where a true body best meets its 2D keypoints: the target of the camera term.

    Files hold no camera. As in SPIN the translation is the least-squares solution of f (X + t) = u (Z + tz), here in
    closed form. Departure: SPIN solves for everybody; here a translation that keypoints don't determine isn't judged.

    Args:
        joints: (B, J, 3) metres.
        keypoints: (B, J, 3): places in a crop from -1 to 1, and confidence, the equations' weight.

    Returns:
        Translations (B, 3) in metres, and (B,) 1.0 where the fit is valid: keypoints are spread, the body is before the
        camera.
    """
    u, share = keypoints[..., :2] * (size / 2), keypoints[..., 2:]
    share = share / share.sum(dim=1, keepdim=True).clamp(min=1e-6)
    right = u * joints[..., 2:] - focal_length * joints[..., :2]
    u_mean, right_mean = (share * u).sum(dim=1, keepdim=True), (share * right).sum(dim=1, keepdim=True)
    spread = (share * (u - u_mean).square()).sum(dim=(1, 2))
    depth = -(share * (u - u_mean) * (right - right_mean)).sum(dim=(1, 2)) / spread.clamp(min=1e-6)
    scale = 2 * focal_length / (size * depth)
    # A person as large as the crop has s near 1. Keypoints that nearly coincide don't determine it.
    valid = (spread > 1.0) & (scale > 0.01) & (scale < 100.0)
    shift = (right_mean[:, 0] + u_mean[:, 0] * depth[:, None]) / focal_length
    places = torch.cat([shift, depth[:, None]], dim=1)
    return torch.where(valid[:, None], places, 0.0), valid.float()


def _keypoint_errors(predicted: Tensor, truth: Tensor) -> Tensor:
    """Mean over joints and coordinates of confidence x squared error: (K, B)."""
    return (truth[..., -1:] * (predicted - truth[..., :-1]).square()).mean(dim=(-2, -1))


def _hip_centre(joints: Tensor) -> Tensor:
    right, left = _HIPS
    return (joints[..., right : right + 1, :] + joints[..., left : left + 1, :]) / 2


def _mean_square(difference: Tensor) -> Tensor:
    """Over all but the two leading dimensions."""
    return difference.square().flatten(2).mean(dim=2)
