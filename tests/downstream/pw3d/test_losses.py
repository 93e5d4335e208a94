"""Losses of RSC-Net: zero for the truth, closed forms, who gets gradient, and the fitted camera."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation
from tiny.pw3d import write_body_files

from downstream.pw3d.body.body_model import read_bodies
from downstream.pw3d.body.regressors import read_regressors
from downstream.pw3d.body.smpl_layer import TrainingJoints
from downstream.pw3d.recipe import ShapeLoss
from downstream.pw3d.shape_losses import ShapeTargets, agreement_terms, fitted_cameras, ramp_up, supervised_terms
from downstream.pw3d.shape_network import Shapes, project

WEIGHTS = ShapeLoss(
    keypoints_2d=5.0,
    keypoints_3d=7.0,
    rotations=2.0,
    betas=0.5,
    camera=0.25,
    consistency=0.25,
    contrast=0.1,
    ramp_epochs=1.0,
    total=60.0,
    temperature=0.1,
    queue=8,
)
CAMERA = {"focal_length": 5000.0, "size": 224}
LEVELS, PEOPLE = 3, 4


@pytest.fixture(scope="module")
def joints_of(tmp_path_factory):
    root = tmp_path_factory.mktemp("pw3d")
    write_body_files(root)
    body = read_bodies(root)[0]
    return TrainingJoints(body, read_regressors(root, body))


@pytest.fixture
def truth(joints_of):
    """Parameters of some people, their joints and where these are seen."""
    rng = np.random.default_rng(0)
    rotations = torch.from_numpy(Rotation.random(PEOPLE * 24, random_state=0).as_matrix()).float().view(-1, 24, 3, 3)
    betas = torch.from_numpy(rng.normal(0, 0.02, (PEOPLE, 10))).float()
    cameras = torch.from_numpy(rng.uniform((0.7, -0.1, -0.1), (1.0, 0.1, 0.1), (PEOPLE, 3))).float()
    joints = joints_of(rotations, betas)
    return rotations, betas, cameras, joints, project(joints, cameras, **CAMERA)


def targets_of(truth, has_smpl=1.0, seen=1.0):
    rotations, betas, cameras, joints, projected = truth
    ones = torch.ones(PEOPLE)
    confident = torch.ones(PEOPLE, 24, 1)
    return ShapeTargets(
        keypoints_2d=torch.cat([projected, seen * confident], dim=2),
        keypoints_3d=torch.cat([joints + torch.tensor([1.0, -2.0, 9.0]), seen * confident], dim=2),
        rotations=rotations,
        betas=betas,
        has_smpl=has_smpl * ones,
        cameras=cameras,
        has_camera=has_smpl * ones,
    )


def repeated(truth):
    """The truth as what the network says at every level."""
    rotations, betas, cameras, joints, projected = (part.expand(LEVELS, *part.shape).clone() for part in truth)
    embeddings = torch.eye(PEOPLE).expand(LEVELS, PEOPLE, PEOPLE).clone()
    return Shapes(rotations, betas, cameras, embeddings), projected, joints


def test_the_truth_costs_nothing(truth):
    shapes, projected, joints = repeated(truth)
    for name, term in supervised_terms(shapes, projected, joints, targets_of(truth), WEIGHTS).items():
        assert term.item() == pytest.approx(0, abs=1e-5), name
    assert agreement_terms(shapes, torch.eye(PEOPLE), WEIGHTS, 1.0)["consistency"].item() == 0


def test_the_fitted_camera_is_the_one_that_was_looked_through(truth):
    _, _, cameras, joints, projected = truth
    keypoints = torch.cat([projected, torch.ones(PEOPLE, 24, 1)], dim=2)
    keypoints[1, 3:] = torch.tensor([50.0, 50.0, 0.0])  # no confidence, no influence
    keypoints[2, :, :2] = 0.3  # all at one place: says nothing
    keypoints[3, :, 2] = 0
    fitted, valid = fitted_cameras(joints.double(), keypoints.double(), **CAMERA)
    assert valid.tolist() == [1, 1, 0, 0] and fitted.isfinite().all()
    torch.testing.assert_close(fitted[:2].float(), cameras[:2], atol=2e-4, rtol=0)
    single, _ = fitted_cameras(joints, keypoints, **CAMERA)
    torch.testing.assert_close(single[:2], cameras[:2], atol=5e-3, rtol=0)


@pytest.mark.parametrize("level", range(LEVELS))
def test_terms_in_closed_form(truth, level):
    """Each parameter is moved at one level by a known amount; level i counts (i + 1) / levels."""
    weight, targets = WEIGHTS.total * (level + 1) / LEVELS, targets_of(truth)
    for name, factor in (("betas", 0.5), ("cameras", 0.25), ("rotations", 2.0)):
        shapes, projected, joints = repeated(truth)
        getattr(shapes, name)[level] += 0.3
        term = {"cameras": "camera"}.get(name, name)
        terms = supervised_terms(shapes, projected, joints, targets, WEIGHTS)
        assert terms[term].item() == pytest.approx(weight * factor * 0.09, rel=1e-3)
    shapes, projected, joints = repeated(truth)
    projected[level, :, 5, 0] += 0.2
    joints[level] += 0.4  # all together: hip-centred, it costs nothing
    joints[level, :, 0, 1] += 0.6
    terms = supervised_terms(shapes, projected, joints, targets, WEIGHTS)
    assert terms["keypoints_2d"].item() == pytest.approx(weight * 5 * 0.04 / 48, rel=1e-3)
    assert terms["keypoints_3d"].item() == pytest.approx(weight * 7 * 0.36 / 72, rel=1e-3)


def test_what_is_not_known_is_not_judged(truth):
    """Without SMPL parameters there are only joints, without joints only parameters; means are over those who have."""
    shapes, projected, joints = repeated(truth)
    wrong = Shapes(shapes.rotations + 1, shapes.betas + 1, shapes.cameras + 1, shapes.embeddings)
    nobody = supervised_terms(wrong, projected + 1, joints * 2, targets_of(truth, has_smpl=0.0, seen=0.0), WEIGHTS)
    assert all(term.item() == 0 for term in nobody.values())
    everybody = supervised_terms(wrong, projected, joints, targets_of(truth), WEIGHTS)
    one = replace(targets_of(truth), has_smpl=torch.eye(PEOPLE)[1])
    assert supervised_terms(wrong, projected, joints, one, WEIGHTS)["betas"].item() == pytest.approx(
        everybody["betas"].item(), rel=1e-5
    )


def test_coarser_levels_are_pulled_to_finer_ones_and_not_back(truth):
    shapes, _, _ = repeated(truth)
    betas = torch.zeros(LEVELS, PEOPLE, 10)
    betas[1], betas[2] = 0.1, 0.4
    betas.requires_grad_(True)
    shapes = replace(shapes, betas=betas)
    terms = agreement_terms(shapes, torch.eye(PEOPLE), WEIGHTS, 0.5)
    pairs = 1 / 3 * 0.1**2 + 2 / 3 * 0.4**2 + 1 / 3 * 0.3**2
    assert terms["consistency"].item() == pytest.approx(60 * 0.25 * 0.5 * 0.5 * pairs, rel=1e-5)
    terms["consistency"].backward()
    assert not betas.grad[0].any() and (betas.grad[1] > 0).all() and (betas.grad[2] > 0).all()
    # Level 1 is pulled to level 0 alone, though level 2 is further up.
    assert betas.grad[1, 0, 0].item() == pytest.approx(60 * 0.25 * 0.5 * 0.5 * 2 / 3 * 0.1 / (PEOPLE * 10), rel=1e-4)


def test_contrast_is_nt_xent_to_the_same_person_seen_finer():
    torch.manual_seed(0)
    embeddings = torch.nn.functional.normalize(torch.randn(2, PEOPLE, 6, dtype=torch.float64), dim=2)
    negatives = torch.nn.functional.normalize(torch.randn(9, 6, dtype=torch.float64), dim=1)
    embeddings.requires_grad_(True)
    flat = torch.zeros(2, PEOPLE, 1, dtype=torch.float64)
    terms = agreement_terms(Shapes(flat, flat, flat, embeddings), negatives, WEIGHTS, 1.0)
    expected = 0.0
    for n in range(PEOPLE):
        fine, coarse = embeddings[0, n].detach().numpy(), embeddings[1, n].detach().numpy()
        others = [math.exp(coarse @ other / 0.1) for other in negatives.numpy()]
        positive = math.exp(coarse @ fine / 0.1)
        expected -= math.log(positive / (positive + sum(others))) / PEOPLE
    assert terms["contrast"].item() == pytest.approx(60 * 0.25 * 0.1 * 0.5 * expected, rel=1e-5)
    terms["contrast"].backward()
    assert not embeddings.grad[0].any() and embeddings.grad[1].any()


def test_ramp_grows_to_one():
    ramps = [ramp_up(epochs, 1.0) for epochs in (0.0, 0.25, 0.5, 1.0, 3.0)]
    assert ramps == sorted(ramps) and ramps[0] == pytest.approx(math.exp(-5)) and ramps[3:] == [1, 1]
