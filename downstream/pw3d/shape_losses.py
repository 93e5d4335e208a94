"""Losses of RSC-Net (Xu et al. 2020, section 3.3): supervision at every resolution, agreement between resolutions.

Leading dimensions are (K, B): K resolutions of the same B people, from the full one (0) to the coarsest.
"""

import math
from dataclasses import dataclass

import torch
from smplx.lbs import batch_rodrigues
from torch import Tensor

from downstream.pw3d.body.body_model import TRAINING_JOINTS
from downstream.pw3d.body.smpl_layer import TrainingJoints
from downstream.pw3d.data import ShapeBatch
from downstream.pw3d.recipe import PW3D, ShapeLoss
from downstream.pw3d.shape_network import Shapes
from liftedcl.losses.infonce import info_nce

_HIPS = (TRAINING_JOINTS.index("right_hip"), TRAINING_JOINTS.index("left_hip"))


@dataclass(frozen=True)
class ShapeTargets:
    """The targets of B people.

    Attributes:
        keypoints_2d: (B, 24, 3): places in a crop from -1 to 1, and confidence.
        keypoints_3d: (B, 24, 4): metres in the camera's frame, up to a shift, and confidence.
        rotations, betas: (B, 24, 3, 3), (B, 10); true where ``has_smpl`` (B,) is 1.
        cameras: (B, 3); true where ``has_camera`` (B,) is 1.
    """

    keypoints_2d: Tensor
    keypoints_3d: Tensor
    rotations: Tensor
    betas: Tensor
    has_smpl: Tensor
    cameras: Tensor
    has_camera: Tensor


def targets_of(batch: ShapeBatch, joints: TrainingJoints, recipe: PW3D, device: torch.device | str) -> ShapeTargets:
    """The targets of ``batch`` on ``device``, where the module ``joints`` is; cameras are fitted to the true bodies."""
    pose, betas, has_smpl = (part.to(device) for part in (batch.pose, batch.betas, batch.has_smpl))
    keypoints_2d, keypoints_3d = batch.keypoints_2d.to(device), batch.keypoints_3d.to(device)
    rotations = batch_rodrigues(pose.reshape(-1, 3)).view(-1, 24, 3, 3)
    cameras, fitted = fitted_cameras(
        joints(rotations, betas), keypoints_2d, focal_length=recipe.focal_length, size=recipe.input_size
    )
    return ShapeTargets(keypoints_2d, keypoints_3d, rotations, betas, has_smpl, cameras, has_smpl * fitted)


def supervised_terms(
    shapes: Shapes, projected: Tensor, joints: Tensor, targets: ShapeTargets, weights: ShapeLoss
) -> dict[str, Tensor]:
    """Weighted terms of ``shapes`` (K, B); level i counts (i + 1) times in the mean over the levels.

    Args:
        projected: the 24 joints in the crop, (K, B, 24, 2).
        joints: the same in metres, (K, B, 24, 3).
    """
    right, left = (targets.keypoints_3d[:, hip, 3] > 0 for hip in _HIPS)
    known_3d = (right & left).float()  # joints are centred on the hips
    everyone, truth = torch.ones_like(known_3d), targets.keypoints_3d
    centred = torch.cat([truth[..., :3] - _hip_centre(truth[..., :3]), truth[..., 3:]], dim=-1)
    errors = {
        "keypoints_2d": (weights.keypoints_2d, _keypoint_errors(projected, targets.keypoints_2d), everyone),
        "keypoints_3d": (weights.keypoints_3d, _keypoint_errors(joints - _hip_centre(joints), centred), known_3d),
        "rotations": (weights.rotations, _mean_square(shapes.rotations - targets.rotations), targets.has_smpl),
        "betas": (weights.betas, _mean_square(shapes.betas - targets.betas), targets.has_smpl),
        "camera": (weights.camera, _mean_square(shapes.cameras - targets.cameras), targets.has_camera),
    }
    levels = torch.arange(1, len(joints) + 1, device=joints.device) / len(joints)
    terms = {}
    for name, (weight, error, rows) in errors.items():
        means = (error * rows).sum(dim=1) / rows.sum().clamp(min=1.0)  # (K,), over the people whom rows counts with 1
        terms[name] = weights.total * weight * (levels * means).sum()
    return terms


def agreement_terms(shapes: Shapes, negatives: Tensor, weights: ShapeLoss, ramp: float) -> dict[str, Tensor]:
    """Weighted terms that pull each resolution j to every finer one i < j; i gets no gradient.

    A pair has the weight (j - i) / K, and ``ramp``, from 0 to 1, multiplies both terms.

    Args:
        shapes: with (K, B), K at least 2.
        negatives: (Q, D) unit embeddings of earlier images.
    """
    levels = len(shapes.betas)
    consistency, contrast = shapes.betas.new_zeros(()), shapes.betas.new_zeros(())
    for coarse in range(1, levels):
        importance = torch.arange(coarse, 0, -1, device=shapes.betas.device) / levels  # (j - i) / K for i = 0 .. j - 1
        for weight, parameters in (
            (weights.rotations, shapes.rotations),
            (weights.betas, shapes.betas),
            (weights.camera, shapes.cameras),
        ):
            difference = _mean_square(parameters[coarse] - parameters[:coarse].detach()).mean(dim=1)
            consistency = consistency + weight * (importance * difference).sum()
        finer = shapes.embeddings[:coarse].detach()
        query = shapes.embeddings[coarse].expand_as(finer)
        distances = info_nce(query, finer, negatives, weights.temperature).mean(dim=1)
        contrast = contrast + weights.contrast * (importance * distances).sum()
    scale = weights.total * weights.consistency * ramp
    return {"consistency": scale * consistency, "contrast": scale * contrast}


def ramp_up(epochs: float, length: float) -> float:
    """The weight after ``epochs``; it grows from exp(-5) to 1 over ``length`` epochs (Laine & Aila 2017, section 3).

    The paper doesn't describe the ramp of its code; this is the form that self-supervision by consistency uses.
    """
    return math.exp(-5.0 * (1.0 - min(epochs / length, 1.0)) ** 2)


def fitted_cameras(joints: Tensor, keypoints: Tensor, *, focal_length: float, size: int) -> tuple[Tensor, Tensor]:
    """The camera under which a true body best meets its 2D keypoints: the target of the camera term.

    Files hold no camera. As in SPIN the translation is the least-squares solution of f (X + t) = u (Z + tz), here in
    closed form; the network's scale follows from it as s = 2 f / (size tz).

    Args:
        joints: (B, J, 3) metres.
        keypoints: (B, J, 3): places in a crop from -1 to 1, and confidence, the equations' weight.

    Returns:
        Cameras (B, 3), and (B,) 1.0 where the fit is valid: keypoints are spread, the body is before the camera.
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
    cameras = torch.cat([scale[:, None], shift], dim=1)
    return torch.where(valid[:, None], cameras, 0.0), valid.float()


def _keypoint_errors(predicted: Tensor, truth: Tensor) -> Tensor:
    """Mean over joints and coordinates of confidence x squared error: (K, B)."""
    return (truth[..., -1:] * (predicted - truth[..., :-1]).square()).mean(dim=(-2, -1))


def _hip_centre(joints: Tensor) -> Tensor:
    right, left = _HIPS
    return (joints[..., right : right + 1, :] + joints[..., left : left + 1, :]) / 2


def _mean_square(difference: Tensor) -> Tensor:
    """Over all but the two leading dimensions."""
    return difference.square().flatten(2).mean(dim=2)
