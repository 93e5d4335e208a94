"""Losses of RSC-Net: zero for the truth, closed forms, who gets gradient, and where true bodies are placed."""

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
from downstream.pw3d.network.shape_network import Shapes, project, translations
from downstream.pw3d.recipe import ShapeLoss
from downstream.pw3d.shape_losses import ShapeTargets, agreement_terms, fitted_translations, ramp_up, supervised_terms

WEIGHTS = ShapeLoss(
    keypoints_2d=5.0,
    keypoints_3d=7.0,
    rotations=2.0,
    betas=0.5,
    camera=0.25,
    consistency=0.25,
    contrast=0.1,
    ramp_epochs=5.0,
    total=60.0,
    temperature=0.1,
    queue=8,
    negatives=8,
)
LENS = {"focal_length": 5000.0, "size": 224}
LEVELS, PEOPLE = 3, 4


@pytest.fixture(scope="module")
def joints_of(tmp_path_factory):
    root = tmp_path_factory.mktemp("pw3d")
    write_body_files(root)
    body = read_bodies(root)[0]
    return TrainingJoints(body, read_regressors(root, body))


@pytest.fixture
def truth(joints_of):
    """Parameters of some people, where they are, their joints and where these are seen."""
    rng = np.random.default_rng(0)
    rotations = torch.from_numpy(Rotation.random(PEOPLE * 24, random_state=0).as_matrix()).float().view(-1, 24, 3, 3)
    betas = torch.from_numpy(rng.normal(0, 0.02, (PEOPLE, 10))).float()
    cameras = torch.from_numpy(rng.uniform((0.7, -0.1, -0.1), (1.0, 0.1, 0.1), (PEOPLE, 3))).float()
    joints, places = joints_of(rotations, betas), translations(cameras, **LENS)
    return rotations, betas, cameras, places, joints, project(joints, places, **LENS)


def targets_of(truth, has_smpl=1.0, seen=1.0):
    rotations, betas, _, places, joints, projected = truth
    ones = torch.ones(PEOPLE)
    confident = torch.ones(PEOPLE, 24, 1)
    return ShapeTargets(
        keypoints_2d=torch.cat([projected, seen * confident], dim=2),
        keypoints_3d=torch.cat([joints + torch.tensor([1.0, -2.0, 9.0]), seen * confident], dim=2),
        rotations=rotations,
        betas=betas,
        has_smpl=has_smpl * ones,
        places=places,
        has_place=has_smpl * ones,
    )


def repeated(truth):
    """The truth as what the network says at every level."""
    rotations, betas, cameras, places, joints, projected = (part.expand(LEVELS, *part.shape).clone() for part in truth)
    embeddings = torch.eye(PEOPLE).expand(LEVELS, PEOPLE, PEOPLE).clone()
    return Shapes(rotations, betas, cameras, embeddings), places, projected, joints


def agreement(shapes, places, ramp=1.0):
    """With the same negatives for everybody."""
    drawn = torch.ones(LEVELS - 1, PEOPLE, PEOPLE, dtype=torch.bool)
    return agreement_terms(shapes, places, torch.eye(PEOPLE), drawn, WEIGHTS, ramp)


def test_the_truth_costs_nothing(truth):
    shapes, places, projected, joints = repeated(truth)
    for name, term in supervised_terms(shapes, places, projected, joints, targets_of(truth), WEIGHTS).items():
        assert term.item() == pytest.approx(0, abs=1e-5), name
    assert agreement(shapes, places)["consistency"].item() == 0


def test_the_fitted_place_is_where_the_body_was_seen(truth):
    *_, places, joints, projected = truth
    keypoints = torch.cat([projected, torch.ones(PEOPLE, 24, 1)], dim=2)
    keypoints[1, 3:] = torch.tensor([50.0, 50.0, 0.0])  # no confidence, no influence
    keypoints[2, :, :2] = 0.3  # all at one place: says nothing
    keypoints[3, :, 2] = 0
    fitted, valid = fitted_translations(joints.double(), keypoints.double(), **LENS)
    assert valid.tolist() == [1, 1, 0, 0] and fitted.isfinite().all()
    torch.testing.assert_close(fitted[:2].float(), places[:2], atol=2e-4, rtol=2e-4)
    single, _ = fitted_translations(joints, keypoints, **LENS)
    torch.testing.assert_close(single[:2], places[:2], atol=5e-3, rtol=5e-3)


@pytest.mark.parametrize("level", range(LEVELS))
def test_terms_in_closed_form(truth, level):
    """Each parameter is moved at one level by a known amount; level i counts (i + 1) / levels."""
    weight, targets = WEIGHTS.total * (level + 1) / LEVELS, targets_of(truth)
    for name, factor in (("betas", 0.5), ("rotations", 2.0)):
        shapes, places, projected, joints = repeated(truth)
        getattr(shapes, name)[level] += 0.3
        terms = supervised_terms(shapes, places, projected, joints, targets, WEIGHTS)
        assert terms[name].item() == pytest.approx(weight * factor * 0.09, rel=1e-3)
    shapes, places, projected, joints = repeated(truth)
    projected[level, :, 5, 0] += 0.2
    joints[level] += 0.4  # all together: hip-centred, it costs nothing
    joints[level, :, 0, 1] += 0.6
    terms = supervised_terms(shapes, places, projected, joints, targets, WEIGHTS)
    # Of 2D joints 24 count among the 49 that the mean is over, of 3D joints all 24.
    assert terms["keypoints_2d"].item() == pytest.approx(weight * 5 * 0.04 / 98, rel=1e-3)
    assert terms["keypoints_3d"].item() == pytest.approx(weight * 7 * 0.36 / 72, rel=1e-3)


def test_what_is_not_known_is_not_judged(truth):
    """Without SMPL parameters there are only joints, without joints only parameters; means are over those who have."""
    shapes, places, projected, joints = repeated(truth)
    wrong = Shapes(shapes.rotations + 1, shapes.betas + 1, shapes.cameras, shapes.embeddings), places + 1
    nobody = supervised_terms(*wrong, projected + 1, joints * 2, targets_of(truth, has_smpl=0.0, seen=0.0), WEIGHTS)
    assert all(term.item() == 0 for term in nobody.values())
    everybody = supervised_terms(*wrong, projected, joints, targets_of(truth), WEIGHTS)
    one = replace(targets_of(truth), has_smpl=torch.eye(PEOPLE)[1])
    assert supervised_terms(*wrong, projected, joints, one, WEIGHTS)["betas"].item() == pytest.approx(
        everybody["betas"].item(), rel=1e-5
    )


def test_coarser_levels_are_pulled_to_finer_ones_and_not_back(truth):
    shapes, places, *_ = repeated(truth)
    betas = torch.zeros(LEVELS, PEOPLE, 10)
    betas[1], betas[2] = 0.1, 0.4
    betas.requires_grad_(True)
    shapes = replace(shapes, betas=betas)
    terms = agreement(shapes, places, 0.5)
    pairs = 1 / 3 * 0.1**2 + 2 / 3 * 0.4**2 + 1 / 3 * 0.3**2
    assert terms["consistency"].item() == pytest.approx(60 * 0.25 * 0.5 * 0.5 * pairs, rel=1e-5)
    terms["consistency"].backward()
    assert not betas.grad[0].any() and (betas.grad[1] > 0).all() and (betas.grad[2] > 0).all()
    # Level 1 is pulled to level 0 alone, though level 2 is further up.
    assert betas.grad[1, 0, 0].item() == pytest.approx(60 * 0.25 * 0.5 * 0.5 * 2 / 3 * 0.1 / (PEOPLE * 10), rel=1e-4)


def test_cameras_are_compared_by_where_they_place_the_body(truth):
    """A scale of 0.8 is 2 * 5000 / (224 * 0.8) = 55.804 m away, one of 0.9 is 49.603 m away."""
    torch.testing.assert_close(
        translations(torch.tensor([[0.8, 0.1, -0.2], [0.9, 0.0, 0.3]]), **LENS),
        torch.tensor([[0.1, -0.2, 55.8036], [0.0, 0.3, 49.6032]]),
    )
    shapes, places, projected, joints = repeated(truth)
    places[1] += torch.tensor([0.1, -0.5, 6.2004])
    square = (0.1**2 + 0.5**2 + 6.2004**2) / 3
    terms = supervised_terms(shapes, places, projected, joints, targets_of(truth), WEIGHTS)
    assert terms["camera"].item() == pytest.approx(60 * 2 / 3 * 0.25 * square, rel=1e-4)
    # Levels 0 and 1 differ by that, and so do 1 and 2: two pairs of neighbours.
    terms = agreement(shapes, places)
    assert terms["consistency"].item() == pytest.approx(60 * 0.25 * 0.25 * 2 / 3 * square, rel=1e-4)


def test_contrast_is_nt_xent_to_the_same_person_seen_finer():
    """Each person has negatives of their own."""
    torch.manual_seed(0)
    embeddings = torch.nn.functional.normalize(torch.randn(2, PEOPLE, 6, dtype=torch.float64), dim=2)
    negatives = torch.nn.functional.normalize(torch.randn(9, 6, dtype=torch.float64), dim=1)
    drawn = torch.tensor([[1, 1, 0, 1, 0, 0, 1, 0, 1], [0] * 9, [1] * 9, [0, 0, 0, 0, 1, 0, 0, 0, 0]]).bool()
    embeddings.requires_grad_(True)
    flat = torch.zeros(2, PEOPLE, 1, dtype=torch.float64)
    terms = agreement_terms(Shapes(flat, flat, flat, embeddings), flat, negatives, drawn[None], WEIGHTS, 1.0)
    expected = 0.0
    for n in range(PEOPLE):
        fine, coarse = embeddings[0, n].detach().numpy(), embeddings[1, n].detach().numpy()
        others = [math.exp(coarse @ other / 0.1) for other in negatives[drawn[n]].numpy()]
        positive = math.exp(coarse @ fine / 0.1)
        expected -= math.log(positive / (positive + sum(others))) / PEOPLE
    assert terms["contrast"].item() == pytest.approx(60 * 0.25 * 0.1 * 0.5 * expected, rel=1e-5)
    terms["contrast"].backward()
    assert not embeddings.grad[0].any() and embeddings.grad[1].any()


def test_the_published_ramp():
    """It is a straight line to 5 (N // 32) = 48,775 of the 60,481 steps, with N = 312,188."""
    shares = {0.0: 0, 0.1: 0.1240, 0.5: 0.6200, 0.8: 0.9920, 0.81: 1, 1.0: 1}  # of the run: weight
    assert {share: ramp_up(round(60481 * share), 48775) for share in shares} == pytest.approx(shares, abs=1e-4)
    assert ramp_up(4877, 48775) == pytest.approx(0.1, abs=1e-4)  # at the end of the first epoch
    assert ramp_up(4877 + 9755 + 14631, 48775) == pytest.approx(0.6, abs=1e-4)  # of the third
