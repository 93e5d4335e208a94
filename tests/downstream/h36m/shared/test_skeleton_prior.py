"""The 3D prior in fine-tuning: what is plausible costs nothing, what isn't is pushed back."""

import dataclasses
import itertools

import numpy as np
import pytest
import torch
from repository import REPOSITORY

from downstream.h36m.shared.skeleton_prior import BoneLengthPenalty, JointAnglePenalty, SkeletonPrior
from downstream.h36m.shared.skeleton_prior_recipe import SkeletonPriorRecipe
from liftedcl.identity.errors import InputError
from liftedcl.identity.strict import parse
from liftedcl.prior import sample_joints, sample_skeletons
from liftedcl.recipes.data_recipes import Angles, Skeletons
from liftedcl.skeletons.skeleton import BONES, HINGED, JOINTS, PARENTS
from synthetic import h36m
from synthetic.keypoints import H36M_MAP
from workflow.benchmark_recipes import bends_of
from workflow.params import read_params

RATIO = (0.9, 1.1)
SKELETONS = Skeletons(
    count=1,
    seed=0,
    composition="chained",
    length_ratio=RATIO,
    ranges={
        "chained": {
            joint: Angles(a=a, b=(-180, 180), c=(-30, 30))
            for joint, a in {**dict.fromkeys(JOINTS[1:], (20.0, 100.0)), "neck": (-10.0, 40.0)}.items()
        }
    },
)
BENDS = bends_of(SKELETONS.ranges["chained"])
RECIPE = SkeletonPriorRecipe(hidden=32, blocks=1, lifting=2.0, penalty=3.0, length_ratio=RATIO, bends=BENDS)


def sampled(count: int = 16) -> torch.Tensor:
    return 1500 * torch.from_numpy(sample_skeletons(count, np.random.default_rng(0), SKELETONS))


def moved(poses: torch.Tensor, joint: str, offset: torch.Tensor) -> torch.Tensor:
    """``joint`` and all that hangs on it moved by ``offset``."""
    below = {JOINTS.index(joint)}
    for parent, child in BONES:
        if parent in below:
            below.add(child)
    result = poses.clone()
    result[:, sorted(below)] += offset[:, None] if offset.ndim == 2 else offset
    return result


def test_ranges_come_from_the_sampled_skeletons():
    assert set(BENDS) == set(HINGED) == set(JOINTS) - {"root", "rhip", "lhip", "belly"}
    assert BENDS["neck"] == (0.0, 40.0) and BENDS["rankle"] == (20.0, 100.0)
    backwards = {**SKELETONS.ranges["chained"], "rankle": Angles(a=(-150, -10), b=(0, 0), c=(0, 0))}
    assert bends_of(backwards)["rankle"] == (10.0, 150.0)


@pytest.mark.parametrize("size", [1.0, 0.03, 20.0])
def test_sampled_skeletons_cost_nothing_at_any_size(size):
    poses = size * sampled(1000)
    assert BoneLengthPenalty(RATIO)(poses) < 1e-10
    assert JointAnglePenalty(BENDS)(poses) < 1e-10
    narrow = {joint: (low + 15, high - 15) for joint, (low, high) in BENDS.items()}
    assert JointAnglePenalty(narrow)(poses) > 1e-4 and BoneLengthPenalty((0.99, 1.01))(poses) > 1e-4


def test_angles_are_those_between_a_bone_and_its_parent_bone():
    poses = torch.from_numpy(sample_joints(50, np.random.default_rng(1), SKELETONS)).permute(2, 0, 1).double()
    angles = JointAnglePenalty(BENDS).angles_of(poses).numpy()
    for column, joint in enumerate(BENDS):
        child = JOINTS.index(joint)
        parent = PARENTS[child]
        grand = PARENTS[parent]
        one, two = (poses[:, child] - poses[:, parent]).numpy(), (poses[:, parent] - poses[:, grand]).numpy()
        cosine = (one * two).sum(1) / np.linalg.norm(one, axis=1) / np.linalg.norm(two, axis=1)
        np.testing.assert_allclose(angles[:, column], np.arccos(cosine), atol=1e-5)


def test_the_size_is_the_best_one():
    """No other size gives a lower bone length penalty."""
    poses = sampled(200) * (1 + 0.5 * torch.rand(200, 17, 3, generator=torch.Generator().manual_seed(0)))
    penalty = BoneLengthPenalty(RATIO).double()
    lengths = torch.stack([poses[:, c] - poses[:, p] for p, c in BONES], 1).norm(dim=-1).double()
    ratios = lengths.log() - penalty.template
    sizes = torch.linspace(-1.5, 1.5, 3001, dtype=torch.float64)[:, None, None] + ratios.mean(1, keepdim=True)
    shifted = ratios - sizes
    excess = (shifted - np.log(1.1)).clamp_min(0) + (np.log(0.9) - shifted).clamp_min(0)
    assert penalty(poses.double()).item() == pytest.approx(excess.square().sum(2).amin(0).mean().item() / 16, rel=1e-3)


def broken_poses() -> dict[str, tuple[str, torch.Tensor]]:
    poses = sampled()
    wrist, elbow, shoulder = (poses[:, JOINTS.index(joint)] for joint in ("rwrist", "relbow", "rshoulder"))
    upper = torch.nn.functional.normalize(elbow - shoulder, dim=1)
    length = (wrist - elbow).norm(dim=1, keepdim=True)
    sideways = torch.nn.functional.normalize(torch.linalg.cross(upper, torch.tensor([[0.3, 0.5, 0.8]])), dim=1)
    folded = elbow + length * (-0.95 * upper + 0.05 * sideways) - wrist  # about 177 degrees
    return {
        "a doubled forearm": ("bone_length", moved(poses, "rwrist", wrist - elbow)),
        "a shin of half its length": (
            "bone_length",
            moved(poses, "lankle", -0.5 * (poses[:, JOINTS.index("lankle")] - poses[:, JOINTS.index("lknee")])),
        ),
        "a folded elbow": ("joint_angle", moved(poses, "rwrist", folded)),
    }


@pytest.mark.parametrize("name", ["a doubled forearm", "a shin of half its length", "a folded elbow"])
def test_a_broken_skeleton_is_pushed_back(name):
    term, poses = broken_poses()[name]
    penalties = {"bone_length": BoneLengthPenalty(RATIO), "joint_angle": JointAnglePenalty(BENDS)}
    poses.requires_grad_(True)
    start = penalties[term](poses)
    assert start > 1e-3
    optimiser = torch.optim.Adam([poses], lr=10.0)
    for _ in range(100):
        optimiser.zero_grad()
        sum(penalty(poses) for penalty in penalties.values()).backward()
        assert torch.isfinite(poses.grad).all()
        optimiser.step()
    assert penalties[term](poses) < 0.01 * start


def test_gradients_are_finite_where_bones_are_in_line_or_have_no_length():
    straight = torch.zeros(1, 17, 3)
    straight[0, :, 1] = torch.arange(17.0)
    for poses in (torch.zeros(2, 17, 3), straight, -straight):
        poses = poses.clone().requires_grad_(True)
        (BoneLengthPenalty(RATIO)(poses) + JointAnglePenalty(BENDS)(poses)).backward()
        assert torch.isfinite(poses.grad).all()


def test_terms_and_their_weights():
    torch.manual_seed(0)
    prior, features = SkeletonPrior(8, RECIPE), torch.randn(5, 8, 3, 2)
    poses, everybody = sampled(5), torch.arange(5)
    terms = prior(features, everybody, poses)
    assert list(terms) == ["lifting", "bone_length", "joint_angle"]
    assert all(term.shape == () and term.requires_grad for term in terms.values())
    estimated = prior.estimate(features)
    assert (estimated[:, 0] == 0).all()
    error = (estimated - poses)[:, 1:].abs().mean() / 1000
    torch.testing.assert_close(terms["lifting"], 2.0 * error)
    torch.testing.assert_close(terms["bone_length"], 3.0 * BoneLengthPenalty(RATIO)(estimated))
    torch.testing.assert_close(terms["joint_angle"], 3.0 * JointAnglePenalty(BENDS)(estimated))
    free = SkeletonPrior(8, dataclasses.replace(RECIPE, bends={}))
    assert free(features, everybody, poses)["joint_angle"] == 0
    assert not any("template" in name for name in prior.state_dict())  # checkpoints hold what is learned


def test_people_without_a_pose_do_not_count():
    """The terms of a batch are those of its people with a pose, and 0 where there are none."""
    torch.manual_seed(0)
    prior, features, poses = SkeletonPrior(8, RECIPE), torch.randn(5, 8, 3, 2, requires_grad=True), sampled(2)
    posed = torch.tensor([1, 4])
    torch.testing.assert_close(prior(features, posed, poses), prior(features[posed], torch.arange(2), poses))
    sum(prior(features, posed, poses).values()).backward()
    assert (features.grad.abs().amax(dim=(1, 2, 3)) > 0).tolist() == [False, True, False, False, True]
    nobody = prior(features, posed[:0], poses[:0])
    assert list(nobody) == ["lifting", "bone_length", "joint_angle"] and all(term == 0 for term in nobody.values())
    prior.zero_grad()
    sum(nobody.values()).backward()
    assert all((parameter.grad == 0).all() for parameter in prior.parameters())


def test_the_lifting_network_learns_the_pose():
    torch.manual_seed(0)
    poses = sampled(16)
    features = (poses.flatten(1) / 300)[:, :, None, None].expand(-1, -1, 2, 2)
    prior = SkeletonPrior(51, RECIPE)
    optimiser = torch.optim.Adam(prior.parameters(), lr=4e-3)
    errors = []
    for _ in range(250):
        optimiser.zero_grad()
        terms = prior(features, torch.arange(16), poses)
        sum(terms.values()).backward()
        optimiser.step()
        errors.append((prior.estimate(features) - poses).norm(dim=-1).mean().item())
    assert errors[-1] < 100 < 300 < errors[0]
    assert terms["bone_length"] < 0.02 and terms["joint_angle"] < 0.02


@pytest.mark.parametrize("benchmark", ["h36m_2d-prior", "h36m_3d-prior"])
def test_real_people_are_free(realdata, benchmark):
    """Four training frames of Human3.6M: every bone and every joint is inside the ranges of params.yaml."""
    prior = read_params(REPOSITORY / "params.yaml", {"profile": "paper"}).benchmarks[benchmark].prior
    with np.load(realdata("h36m/mmpose_4frames") / "test_h36m_body3d.npz") as file:
        poses = torch.from_numpy(file["S"][..., :3] * 1000).float()
    assert prior.bends.keys() == set(HINGED)
    assert BoneLengthPenalty(prior.length_ratio)(poses) < 1e-8
    assert JointAnglePenalty(prior.bends)(poses) < 1e-8


def test_no_bone_of_a_generated_person_costs_anything():
    """Everybody in the demo's Human3.6M; a few hundredths of the range less would cost some of them."""
    params = read_params(REPOSITORY / "params.yaml", {"profile": "demo"})
    takes = itertools.product(h36m.SUBJECTS["train"] + h36m.SUBJECTS["test"], h36m.ACTIONS, (1, 2))
    people = [person.landmarks for take in takes for person in h36m.take(params.generated.h36m, *take)]
    poses = 1000 * torch.from_numpy(H36M_MAP @ np.stack(people))
    for benchmark in ("h36m_2d-prior", "h36m_3d-prior"):
        low, high = params.benchmarks[benchmark].prior.length_ratio
        assert (
            BoneLengthPenalty((low, high)).double()(poses) == 0 < BoneLengthPenalty((low, high - 0.04)).double()(poses)
        )


@pytest.mark.parametrize(
    ("bends", "message"),
    [
        ({"rhip": [0, 10]}, "bends.rhip"),
        ({"knee": [0, 10]}, "bends.knee"),
        ({"rknee": [20, 10]}, "bends.rknee"),
        ({"rknee": [-5, 10]}, "bends.rknee"),
    ],
)
def test_ranges_that_cannot_be_are_refused(bends, message):
    value = {"hidden": 8, "blocks": 1, "lifting": 1.0, "penalty": 1.0, "length_ratio": [0.9, 1.1], "bends": bends}
    with pytest.raises(InputError, match=message):
        parse(SkeletonPriorRecipe, value, "prior")
