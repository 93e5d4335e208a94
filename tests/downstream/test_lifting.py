"""Lifted skeletons against true poses: closed forms, an independent Procrustes, and the command on tiny people."""

import dataclasses
import itertools
import json

import numpy as np
import pytest
import torch
from repository import REPOSITORY
from scipy.spatial.transform import Rotation
from tiny.h36m import write_tiny_h36m
from tiny.pretraining import write_untrained_liftedcl

from downstream.h36m.pose_3d.person_crops import crops_of
from downstream.h36m.pose_3d.reader import read_h36m_3d
from downstream.lifting import bones_in_range, diversity, exchanged_error, main, mean_skeleton, measure
from liftedcl.crops import make_h36m_crops
from liftedcl.identity.errors import InputError
from liftedcl.identity.recipe import to_json
from liftedcl.prior import sample_skeletons
from liftedcl.recipes.data_recipes import Crops
from liftedcl.skeletons.skeleton import JOINTS, PARENTS, TEMPLATE_BONES_CM
from workflow.params import read_params

PARAMS = read_params(REPOSITORY / "params.yaml", {"profile": "demo"})
RECIPE = PARAMS.encoders["liftedcl_in_cc"]
PRIOR = dataclasses.replace(PARAMS.skeletons, length_ratio=(0.9, 1.1))
CROPS = Crops(height=64, width=48, min_keypoints=0, min_side=1.0)


def people(count, seed=5):
    """Sampled poses in mm, seen from anywhere: (count, 17, 3)."""
    rng = np.random.default_rng(seed)
    skeletons = 1500 * sample_skeletons(count, rng, PRIOR).astype(np.float64)
    return skeletons @ Rotation.random(count, rng=rng).as_matrix()


def aligned_error(skeleton, truth):
    """Mean distance of the joints after the similarity with the least squares, by scipy's solver of Wahba's problem."""
    source, target = skeleton - skeleton.mean(0), truth - truth.mean(0)
    turned = Rotation.align_vectors(target, source)[0].apply(source)
    turned *= (turned * target).sum() / (turned * turned).sum()
    return np.linalg.norm(turned - target, axis=1).mean()


def gauge(poses):
    return poses / np.linalg.norm(poses, axis=(1, 2), keepdims=True)


def test_true_poses_from_elsewhere_are_a_perfect_lifting():
    truth = people(30)
    turned = gauge(truth) @ Rotation.random(30, rng=np.random.default_rng(1)).as_matrix()
    scores = measure(turned, truth, people(20, seed=6), PRIOR)
    assert scores.people == 30
    assert scores.pa_mpjpe_mm == pytest.approx(0, abs=1e-6)
    assert scores.exchanged_mm > 50 and scores.mean_skeleton_mm > 50
    assert scores.bones_in_range == scores.true_bones_in_range == 1
    assert scores.diversity == pytest.approx(scores.true_diversity)


def test_one_body_for_all_gains_nothing_from_its_own_person():
    truth = people(12)
    scores = measure(np.repeat(gauge(people(1, seed=9)), 12, axis=0), truth, truth, PRIOR)
    assert scores.diversity == pytest.approx(0, abs=1e-9)
    assert scores.exchanged_mm == pytest.approx(scores.pa_mpjpe_mm)
    assert scores.pa_mpjpe_mm > scores.mean_skeleton_mm > 0


def test_sampled_skeletons_have_the_diversity_and_the_bones_of_the_prior():
    sampled = sample_skeletons(40, np.random.default_rng([PRIOR.seed]), PRIOR)
    scores = measure(sampled, people(40), people(3), PRIOR)
    assert scores.diversity == pytest.approx(1)
    assert scores.bones_in_range == 1


def test_errors_are_those_of_an_independent_solver_over_all_exchanges():
    lifted, truth = gauge(people(6, seed=1)), people(6, seed=2)
    scores = measure(lifted, truth, people(6), PRIOR)
    pairs = list(itertools.permutations(range(6), 2))
    own = [aligned_error(one, pose) for one, pose in zip(lifted, truth, strict=True)]
    others = [aligned_error(lifted[i], truth[j]) for i, j in pairs]
    sampled = sample_skeletons(6, np.random.default_rng([PRIOR.seed]), PRIOR)
    spreads = [np.mean([aligned_error(of[i], of[j]) for i, j in pairs]) for of in (lifted, sampled)]
    assert scores.pa_mpjpe_mm == pytest.approx(np.mean(own), rel=1e-5)
    assert scores.exchanged_mm == pytest.approx(np.mean(others), rel=1e-5)
    assert scores.diversity == pytest.approx(spreads[0] / spreads[1], rel=1e-4)


def test_of_many_people_nobody_keeps_their_own_skeleton():
    truth = people(50)
    assert exchanged_error(truth, truth) == pytest.approx(
        np.mean([aligned_error(truth[i], truth[j]) for i, j in itertools.permutations(range(50), 2)]), rel=0.03
    )
    pair = people(2)
    assert exchanged_error(pair, pair[::-1]) == pytest.approx(0, abs=1e-6)


def test_diversity_knows_no_size():
    poses = people(8)
    assert diversity(poses * np.arange(1, 9)[:, None, None]) == pytest.approx(diversity(poses))


def test_the_mean_skeleton_is_what_turned_copies_have_in_common_and_better_than_any_of_the_people():
    rng = np.random.default_rng(3)
    one = people(1)[0]
    copies = rng.uniform(0.5, 2, (9, 1, 1)) * one @ Rotation.random(9, rng=rng).as_matrix() + rng.normal(
        0, 99, (9, 1, 3)
    )
    assert aligned_error(mean_skeleton(copies), one) == pytest.approx(0, abs=1e-6)
    poses = people(25)
    errors = [np.mean([aligned_error(constant, pose) for pose in poses]) for constant in (mean_skeleton(poses), *poses)]
    assert errors[0] == min(errors)


def test_bones_are_in_range_at_any_size_and_a_doubled_bone_is_not():
    skeletons = np.stack([people(1)[0], 3 * people(1)[0], np.zeros((17, 3))])
    assert bones_in_range(skeletons, PRIOR.length_ratio).tolist() == [True, True, False]
    wrist, elbow = JOINTS.index("rwrist"), JOINTS.index("relbow")
    skeletons[0, wrist] += skeletons[0, wrist] - skeletons[0, elbow]
    assert bones_in_range(skeletons, PRIOR.length_ratio).tolist() == [False, True, False]


@pytest.mark.parametrize(("ratio", "inside"), [(1.2, True), (1.25, False)])
def test_the_range_is_that_of_the_largest_ratio_to_the_smallest(ratio, inside):
    """1.1 / 0.9 is 1.222. The template has every ratio 1, until one of its bones is made longer."""
    bones = TEMPLATE_BONES_CM.copy()
    bones[7] *= ratio
    joints = np.zeros((17, 3))
    for child in range(1, 17):
        joints[child] = joints[PARENTS[child]] + bones[child - 1]
    assert bones_in_range(joints[None], (0.9, 1.1)).tolist() == [inside]


def test_skeletons_that_are_points_give_numbers():
    truth = people(4)
    scores = measure(np.zeros((4, 17, 3)), truth, truth, PRIOR)
    spread = np.linalg.norm(truth - truth.mean(axis=1, keepdims=True), axis=2).mean()
    assert (scores.pa_mpjpe_mm, scores.exchanged_mm) == (pytest.approx(spread), pytest.approx(spread))
    assert scores.diversity == scores.bones_in_range == 0


def test_one_person_can_exchange_with_nobody(root, run):
    with pytest.raises(InputError, match="one true pose alone"):
        measure(people(1), people(1), people(2), PRIOR)
    with pytest.raises(InputError, match="--people 1: needs at least 2"):
        lifting(root, run, "--people", "1")


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return write_tiny_h36m(tmp_path_factory.mktemp("lifting") / "h36m")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """encoder.pt and heads.pt of an untrained LiftedCL."""
    folder = tmp_path_factory.mktemp("run")
    write_untrained_liftedcl(folder, RECIPE)
    return folder


def lifting(root, run, *more):
    words = ["--recipe", to_json(RECIPE), "--encoder", run / "encoder.pt", "--heads", run / "heads.pt"]
    words += ["--crops", to_json(CROPS), "--skeletons", to_json(PRIOR), "--data", root, "--out", run / "lifting.json"]
    main([*map(str, words), *more])
    return json.loads((run / "lifting.json").read_text())


def test_crops_are_those_that_pre_training_cuts(root, tmp_path):
    train = read_h36m_3d(root, "train")
    make_h36m_crops(root, tmp_path / "crops.npy", CROPS)
    rows = np.argsort(train.names)[[0, 3, 4]]
    np.testing.assert_array_equal(crops_of(train, rows, CROPS), np.load(tmp_path / "crops.npy")[[0, 3, 4]])


def test_the_command_measures_the_test_people_and_says_what_it_read(root, run, capsys):
    scores = lifting(root, run)
    assert scores["people"] == 6 and scores["diversity"] > 0 and scores["pa_mpjpe_mm"] > 100
    assert f"PA-MPJPE {scores['pa_mpjpe_mm']:.1f} mm" in capsys.readouterr().out
    provenance = json.loads((run / "lifting.provenance.json").read_text())
    assert set(provenance["inputs"]) == {"encoder", "heads", "train", "test"} and provenance["code"]
    assert lifting(root, run, "--people", "3")["people"] == 3


def test_a_network_that_diverged_is_named(root, run, tmp_path):
    state = torch.load(run / "heads.pt", weights_only=True)
    torch.save({key: torch.full_like(value, 1e38) for key, value in state.items()}, tmp_path / "heads.pt")
    (tmp_path / "encoder.pt").symlink_to(run / "encoder.pt")
    with pytest.raises(InputError, match=r"heads\.pt: 6 of 6 lifted skeletons are not finite; pre-train its row again"):
        lifting(root, tmp_path)
    assert not (tmp_path / "lifting.json").exists()
